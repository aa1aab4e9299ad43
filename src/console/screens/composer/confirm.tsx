import { useSignal } from '@preact/signals'
import type { TypeDocument } from '../../../command-types/document.ts'
import { Button } from '../../kit/button.tsx'
import { Copy } from '../../kit/copy.tsx'
import { Dialog } from '../../kit/dialog.tsx'
import { Facts } from '../../kit/facts.tsx'
import { Field } from '../../kit/field.tsx'
import { Note } from '../../kit/states.tsx'
import type { ComposerTarget } from './sending.ts'
import { CANCEL_WHILE, PIN_KEPT } from './text.ts'

/** The last question before a command that loses something: what, to whom, what is lost, and the way back. */
export function Confirm({
  type,
  deed,
  target,
  pin,
  warnings,
  onSend,
  onClose,
}: {
  readonly type: TypeDocument
  readonly deed: string
  readonly target: ComposerTarget
  readonly pin: string | undefined
  readonly warnings: readonly string[]
  readonly onSend: () => Promise<void>
  readonly onClose: () => void
}) {
  const { name, word, what, disrupts } = target
  const typed = useSignal('')
  const fault = useSignal<string | undefined>(undefined)
  const confirm = async (): Promise<void> => {
    if (typed.value.trim().toUpperCase() !== word.toUpperCase()) {
      fault.value = `Type ${word}`
      return
    }
    await onSend()
  }
  return (
    <Dialog title={`${deed}?`} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
        }}
      >
        <Facts
          of={[
            ['Sends', type.request_type],
            ['To', name],
            ['What is lost', type.loses ?? disrupts ?? '—'],
            ['The way back', CANCEL_WHILE],
          ]}
        />
        {warnings.length > 0 && (
          <Note tone="warn">
            {warnings.map((text) => (
              <p key={text}>{text}</p>
            ))}
          </Note>
        )}
        {pin !== undefined && (
          <Note>
            <p class="bar">
              <span>
                PIN <strong class="mono digits">{pin}</strong>
              </span>
              <Copy text={pin} label="Copy PIN" />
            </p>
            <p class="hint">{PIN_KEPT}</p>
          </Note>
        )}
        <Field
          label={`Type ${word} to confirm`}
          hint={what}
          isMono
          value={typed.value}
          fault={fault.value}
          more={{ autofocus: true, autocomplete: 'off', spellcheck: false }}
          onInput={(text) => {
            typed.value = text
            fault.value = undefined
          }}
        />
        <div class="actions">
          <Button type="submit" tone="danger" onClick={confirm}>
            {deed}
          </Button>
          <Button onClick={onClose}>Back</Button>
        </div>
      </form>
    </Dialog>
  )
}
