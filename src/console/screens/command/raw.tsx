import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { addressOf, request, type Answer } from '../../api/call.ts'
import { Copy } from '../../kit/copy.tsx'
import { FaultNote, Loading } from '../../kit/states.tsx'
import { sizeText } from '../../results/cell.ts'

/** A longer answer is only saved: a page of so much text does not scroll. */
const SHOWN = 1_000_000

/** The bytes of the answer, as the device sent them. */
export function RawAnswer({ id }: { readonly id: string }) {
  const address = addressOf('/api/commands/{id}/result', { id })
  const answer = useSignal<Answer<string> | undefined>(undefined)
  const read = async (): Promise<void> => {
    const answered = await request(address)
    answer.value = answered.ok ? { ...answered, value: await answered.value.text() } : answered
  }
  useEffect(() => {
    void read()
  }, [address])
  if (!answer.value) {
    return <Loading lines={6} />
  }
  if (!answer.value.ok) {
    return <FaultNote fault={answer.value.fault} again={() => void read()} />
  }
  const { value: text } = answer.value
  return (
    <>
      <div class="actions">
        <a class="button" href={address} download={`${id}.plist`}>
          Save as file
        </a>
        <Copy text={text} />
        <span class="dim">{sizeText(text.length)}</span>
      </div>
      {text.length > SHOWN ? (
        <p>It is too long to be shown here.</p>
      ) : (
        <pre class="raw" tabIndex={0} aria-label="Property list">
          {text}
        </pre>
      )}
    </>
  )
}
