import { useSignal } from '@preact/signals'
import { after } from '../time/clock.ts'

const SAID_FOR = 2000

/** Copies a text. It says so in place of its label. */
export function Copy({
  text,
  label = 'Copy',
  onCopied,
}: {
  readonly text: string
  readonly label?: string
  readonly onCopied?: () => void
}) {
  const said = useSignal('')
  const copy = async (): Promise<void> => {
    said.value = await navigator.clipboard.writeText(text).then(
      () => {
        onCopied?.()
        return 'Copied'
      },
      () => 'Select the text and copy it: the browser does not allow this',
    )
    after(SAID_FOR, () => {
      said.value = ''
    })
  }
  return (
    <button type="button" class="button quiet copy" onClick={() => void copy()}>
      <span aria-live="polite">{said.value || label}</span>
    </button>
  )
}
