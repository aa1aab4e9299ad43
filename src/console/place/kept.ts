import { type Signal, signal } from '@preact/signals'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import { whenPersonGoes } from '../api/session.ts'

/** What was typed into forms, by their names, with what they began with. */
const forms = new Map<string, { readonly typed: Signal<unknown>; readonly begun: unknown }>()

/** Each says whether a reload would lose something. */
const losses = new Set<() => boolean>([
  () => [...forms.keys()].some((name) => isChanged(name)),
  () => isSecretThere(),
])

/** Each says whether a part of the page has a secret that is kept nowhere. */
const secrets = new Set<() => boolean>()

/**
 * What is typed into a form. It stays while the page is open, wherever one goes in between, until the form is
 * stored or given up: {@link forgetTyped}. A reload asks first.
 */
export function useTyped<Value>(name: string, begin: Value): Signal<Value> {
  const form = useMemo(() => {
    const known = isChanged(name) ? forms.get(name) : undefined
    const found = known ?? { typed: signal<unknown>(begin), begun: begin }
    forms.set(name, found)
    return found
  }, [name])
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a name belongs to one kind of form
  return form.typed as Signal<Value>
}

/** The form of this name is again as it began. */
export function forgetTyped(name: string): void {
  const form = forms.get(name)
  if (form) {
    form.typed.value = form.begun
  }
}

/** Whether a reload, or the end of the session, would lose something. */
export function wouldLose(): boolean {
  return [...losses].some((isLost) => isLost())
}

/** Lets a reload ask first where another room keeps what was typed. */
export function noteLoss(isLost: () => boolean): void {
  losses.add(isLost)
}

/**
 * A secret that was typed, or that is shown this once, is kept nowhere: to leave it asks first.
 *
 * @param isThere whether the part of the page has one now
 */
export function useSecret(isThere: boolean): void {
  const now = useRef(isThere)
  now.current = isThere
  useEffect(() => {
    const check = (): boolean => now.current
    secrets.add(check)
    return () => {
      secrets.delete(check)
    }
  }, [])
}

/** Asks before a secret is left, if there is one, or an answer that may bring one. */
export function mayLeave(): boolean {
  return (!isSecretThere() || confirm(SECRET_LOST)) && mayMissAnswer()
}

/** Asks before a dialog closes whose button waits for the server: a key that it makes is shown only there. */
export function mayMissAnswer(): boolean {
  return document.querySelector('dialog button[aria-busy="true"]') === null || confirm(UNANSWERED)
}

const SECRET_LOST =
  'A secret stands here that the page does not keep. Leave all the same, and lose it?'

const UNANSWERED = 'The server has not answered yet. Leave all the same, and miss what it answers?'

function isSecretThere(): boolean {
  return [...secrets].some((check) => check())
}

/** A word that was typed and taken back is no change. */
function isChanged(name: string): boolean {
  const form = forms.get(name)
  return form !== undefined && JSON.stringify(form.typed.value) !== JSON.stringify(form.begun)
}

// The next person must not find what the last one typed.
whenPersonGoes(() => {
  forms.clear()
})

addEventListener('beforeunload', (event) => {
  if (wouldLose()) {
    event.preventDefault()
  }
})
