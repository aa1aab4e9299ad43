import { type Signal, signal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import { sessionState } from '../api/session.ts'

/** What was typed into forms, by their names, with what they began with. */
const forms = new Map<string, { readonly typed: Signal<unknown>; readonly begun: unknown }>()

/**
 * What is typed into a form. It stays while the page is open, wherever one goes in between, until the form is
 * stored or given up: {@link forgetTyped}. A reload asks first.
 */
export function useTyped<Value>(name: string, begin: Value): Signal<Value> {
  const form = useMemo(
    () => forms.get(name) ?? { typed: signal<unknown>(begin), begun: begin },
    [name],
  )
  useEffect(() => {
    forms.set(name, form)
    addEventListener('beforeunload', warnOfLoss)
    return () => {
      removeEventListener('beforeunload', warnOfLoss)
      if (form.typed.value === form.begun) {
        forms.delete(name)
      }
    }
  }, [form])
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a name belongs to one kind of form
  return form.typed as Signal<Value>
}

/** The next form of this name begins anew. */
export function forgetTyped(name: string): void {
  forms.delete(name)
}

// The next person must not find what the last one typed.
sessionState.subscribe((state) => {
  if (state.kind === 'signed_out' && !state.was) {
    forms.clear()
  }
})

function warnOfLoss(event: BeforeUnloadEvent): void {
  if ([...forms.values()].some(({ typed, begun }) => typed.value !== begun)) {
    event.preventDefault()
  }
}
