import { effect, signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'

const title = signal('')
/** What has come while the page was hidden: the title counts it. */
export const unseen = signal(0)

effect(() => {
  const name = title.value === '' ? 'EdgeMDM' : `${title.value} · EdgeMDM`
  document.title = unseen.value > 0 ? `(${unseen.value}) ${name}` : name
})

/** The title of the page: the name of a thing in place of the name of its screen, once it is known. */
export function useTitle(name: string | undefined): void {
  useEffect(() => {
    if (name !== undefined) {
      title.value = name
    }
  }, [name])
}
