import { signal, type Signal } from '@preact/signals'
import { whenPersonGoes } from '../../api/session.ts'
import type { TypeDocument } from '../../../command-types/document.ts'
import {
  commandFrom,
  isJsonKeys,
  type DraftFault,
  type DraftKeys,
  type JsonObject,
} from '../../composer/draft.ts'
import { draftOf } from '../../composer/fill.ts'
import { bodyIn } from '../../composer/written.ts'
import { noteLoss } from '../../place/kept.ts'
import type { Times } from './again.ts'

export type Panel = 'form' | 'json' | 'curl'

/** What was typed into one form. It stays while the page is open, wherever one goes in between. */
export interface FormState {
  readonly draft: Signal<DraftKeys>
  readonly times: Signal<Times>
  /** The JSON as it was typed, while the form cannot show it. */
  readonly text: Signal<string | undefined>
  readonly panel: Signal<Panel>
  readonly isTouched: Signal<boolean>
  /** Of the last body that was sent: the same again is the same request. */
  last: { readonly body: string; readonly key: string } | undefined
}

const forms = new Map<string, FormState>()

/** The form of this command for this target; a new one begins with `first`. */
export function formFor(name: string, first: () => DraftKeys): FormState {
  const known = forms.get(name)
  if (known) {
    return known
  }
  const form: FormState = {
    draft: signal(first()),
    times: signal({ from: '', until: '' }),
    text: signal(undefined),
    panel: signal('form'),
    isTouched: signal(false),
    last: undefined,
  }
  forms.set(name, form)
  return form
}

/** The next form of this name is a new one: with a new PIN, and a new Idempotency-Key. */
export function forgetForm(name: string): void {
  forms.delete(name)
}

// The next person must not find the PIN of the last one.
whenPersonGoes(() => {
  forms.clear()
})

noteLoss(() => [...forms.values()].some(({ isTouched }) => isTouched.value))

/** The body as it would be sent now, and what is wrong in the form. */
export function bodyOf(
  type: TypeDocument,
  { draft, times, text }: FormState,
): { readonly body: JsonObject | undefined; readonly faults: readonly DraftFault[] } {
  if (text.value !== undefined) {
    return { body: bodyIn(text.value), faults: [] }
  }
  const { command, faults } = commandFrom(type, draft.value)
  const { from, until } = times.value
  return {
    body: {
      Command: command,
      ...(from !== '' && { not_before: new Date(from).toISOString() }),
      ...(until !== '' && { expires_at: new Date(until).toISOString() }),
    },
    faults,
  }
}

/** Takes over what was typed as JSON, or pasted as a call of curl. The form follows if it can show it. */
export function takeText(type: TypeDocument, form: FormState, typed: string): void {
  form.isTouched.value = true
  form.text.value = typed
  const draft = draftIn(type, typed)
  if (draft) {
    form.draft.value = draft
    form.times.value = { from: '', until: '' }
  }
}

/** The form of a body that it can show whole. */
export function draftIn(type: TypeDocument, typed: string): DraftKeys | undefined {
  const body = bodyIn(typed) ?? {}
  const { Command: command, ...others } = body
  return isJsonKeys(command) &&
    Object.keys(others).length === 0 &&
    command['RequestType'] === type.request_type
    ? draftOf(type, command)
    : undefined
}
