import { useSignal } from '@preact/signals'
import { useId } from 'preact/hooks'
import { DropArea, Field } from '../../../../kit/field.tsx'
import { JSON_HINT } from '../text.ts'

/** The API takes payloads of up to 1 MB. */
const MOST = 2_000_000
const TOO_LONG = 'This file has more than 1 MB: host the data, and name it in an asset.'

/** The payload as JSON: typed, pasted, or from a file that is chosen or dropped. */
export function PayloadField({
  text,
  fault,
  faults,
  onInput,
}: {
  readonly text: string
  readonly fault: string | undefined
  /** What the server says of parts of it. */
  readonly faults: readonly { readonly at: string; readonly detail: string }[]
  readonly onInput: (text: string) => void
}) {
  const id = useId()
  const refused = useSignal<string | undefined>(undefined)
  const take = async (file: File | undefined): Promise<void> => {
    refused.value = file && file.size > MOST ? TOO_LONG : undefined
    if (file && file.size <= MOST) {
      onInput(await file.text())
    }
  }
  return (
    <DropArea isField={false} onFile={take}>
      <Field
        label="Payload (JSON)"
        value={text}
        lines={14}
        isMono
        hint={JSON_HINT}
        fault={refused.value ?? fault}
        onInput={onInput}
      />
      {faults.length > 0 && (
        <ul class="note bad payload-faults" role="alert">
          {faults.map(({ at, detail }) => (
            <li key={at + detail}>
              {at !== '' && <code>{at}</code>} {detail}
            </li>
          ))}
        </ul>
      )}
      <div class="field">
        <label for={id}>From a file</label>
        <div class="dropzone">
          <input
            id={id}
            type="file"
            accept=".json,application/json"
            onChange={(event) => {
              void take(event.currentTarget.files?.[0])
            }}
          />
          <span class="dim">or drop it here</span>
        </div>
      </div>
    </DropArea>
  )
}
