import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import type { Answer } from '../../../api/call.ts'
import type { Fault } from '../../../api/fault.ts'
import { Button } from '../../../kit/button.tsx'
import { Dialog } from '../../../kit/dialog.tsx'
import { Field } from '../../../kit/field.tsx'
import { FaultNote } from '../../../kit/states.tsx'
import { toast } from '../../../kit/toast.tsx'

/** The last question before something is done. What cannot be taken back asks for a word. */
export function AskFirst({
  title,
  deed,
  word,
  hint,
  isLoss = true,
  why,
  children,
  onYes,
  onClose,
}: {
  readonly title: string
  /** The verb and its object, on the button. */
  readonly deed: string
  readonly word?: string
  /** Where the word stands. */
  readonly hint?: string
  readonly isLoss?: boolean
  readonly why: string | undefined
  readonly children: ComponentChildren
  readonly onYes: () => Promise<Answer<unknown>>
  readonly onClose: () => void
}) {
  const typed = useSignal('')
  const wrong = useSignal<string | undefined>(undefined)
  const fault = useSignal<Fault | undefined>(undefined)
  const yes = async (): Promise<void> => {
    if (word !== undefined && typed.value.trim().toUpperCase() !== word.toUpperCase()) {
      wrong.value = `Type ${word}`
      return
    }
    const answer = await onYes()
    if (answer.ok) {
      onClose()
    } else {
      fault.value = answer.fault
    }
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
        }}
      >
        {children}
        {word !== undefined && (
          <Field
            label={`Type ${word} to confirm`}
            hint={hint}
            isMono
            value={typed.value}
            fault={wrong.value}
            more={{ autofocus: true, autocomplete: 'off', spellcheck: false }}
            onInput={(text) => {
              typed.value = text
              wrong.value = undefined
            }}
          />
        )}
        {fault.value && <FaultNote fault={fault.value} />}
        <div class="actions">
          <Button type="submit" tone={isLoss ? 'danger' : 'main'} why={why} onClick={yes}>
            {deed}
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </div>
      </form>
    </Dialog>
  )
}

/** Says what failed. */
export function heard<Value>(
  answer: Answer<Value>,
): answer is Extract<Answer<Value>, { readonly ok: true }> {
  if (!answer.ok) {
    toast({ text: answer.fault.detail, tone: 'bad' })
  }
  return answer.ok
}
