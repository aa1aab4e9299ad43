import { useEffect } from 'preact/hooks'

/** The title of the page: the name of a thing in place of the name of its screen, once it is known. */
export function useTitle(title: string | undefined): void {
  useEffect(() => {
    if (title !== undefined) {
      document.title = `${title} · EdgeMDM`
    }
  }, [title])
}
