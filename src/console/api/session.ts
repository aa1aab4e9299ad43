import { signal } from '@preact/signals'
import { setServerTime } from '../time/clock.ts'
import type { Fault } from './fault.ts'
import { faultOf, noAnswer } from './fault.ts'
import type { Schema } from './types.ts'

/** What a key may do (docs/keys.md). */
export type Scope = Schema<'Key'>['scopes'][number]

/** Who is signed in (docs/console.md). */
export interface Session {
  readonly key: { readonly id: string; readonly name: string }
  readonly who: string
  readonly scopes: readonly string[]
  readonly expires_at: string | null
  /** The server's clock: a browser's may be wrong. */
  readonly now: string
  readonly version: string
  /** Whether the server takes people of Cloudflare Access. */
  readonly access: boolean
}

export type SessionState =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'signed_in'; readonly session: Session }
  /** The session that ended, if there was one: the page behind the form stays. */
  | { readonly kind: 'signed_out'; readonly was?: Session }
  | { readonly kind: 'failed'; readonly fault: Fault }

const PATH = '/console/session'
const HEADERS = { 'x-edgemdm': 'console', 'content-type': 'application/json' }

export const sessionState = signal<SessionState>({ kind: 'unknown' })

/** Cloudflare Access as a way to sign in, and why it did not; `undefined` where it is none. */
export const accessState = signal<{ readonly fault?: Fault } | undefined>(undefined)

let waiting: (() => void)[] = []

/** The tabs of a browser share its session: one tells the others that it has begun or ended one. */
let tabs: BroadcastChannel | undefined

/** Follows what other tabs do to the session: without it a page would act in the name of another person. */
export function followTabs(): void {
  tabs = new BroadcastChannel('edgemdm-session')
  tabs.addEventListener('message', () => {
    void ask('GET').then((fault) => {
      if (fault?.status === 401) {
        signedOut()
      }
    })
  })
}

/** Resolves at the next sign-in, or at once while a session is there. */
export function whenSignedIn(): Promise<void> {
  return sessionState.value.kind === 'signed_in'
    ? Promise.resolve()
    : new Promise((resolve) => {
        waiting.push(resolve)
      })
}

/** The server does not know the session any more. */
export function signedOut(): void {
  const state = sessionState.value
  if (state.kind === 'signed_in') {
    sessionState.value = { kind: 'signed_out', was: state.session }
  } else if (state.kind !== 'signed_out') {
    sessionState.value = { kind: 'signed_out' }
  }
}

/** Whether the key of the session has a scope. */
export function may(scope: Scope): boolean {
  return sessionIn(sessionState.value)?.scopes.includes(scope) ?? false
}

/** The session, or the one that has ended over an open page. */
function sessionIn(state: SessionState): Session | undefined {
  return state.kind === 'signed_in'
    ? state.session
    : state.kind === 'signed_out'
      ? state.was
      : undefined
}

function tellTabs(): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has one origin
  tabs?.postMessage('')
}

/** Whose the page is: a key and a name, as several people may use one key. Empty without a session. */
export function personIn(state: SessionState): string {
  const session = sessionIn(state)
  return session ? JSON.stringify([session.key.id, session.who]) : ''
}

/** Forgets what a person left in the page when they sign out, or when another one signs in after them. */
export function whenPersonGoes(forget: () => void): void {
  let present = ''
  sessionState.subscribe((state) => {
    const next = personIn(state)
    if (present !== '' && next !== present) {
      forget()
    }
    present = next
  })
}

/** Asks who is signed in, at the start of the page. A person of Cloudflare Access need not type anything. */
export async function readSession(): Promise<void> {
  const fault = await ask('GET')
  if (fault && fault.status !== 401) {
    sessionState.value = { kind: 'failed', fault }
  } else if (fault && (await signInByAccess())) {
    sessionState.value = { kind: 'signed_out' }
  }
}

/** @returns why the sign-in failed; `undefined` after success */
export async function signIn(key: string, who: string): Promise<Fault | undefined> {
  const fault = await ask('POST', { key, who })
  if (!fault) {
    tellTabs()
  }
  return fault
}

/** @returns why Cloudflare Access did not sign in; `undefined` after success */
export async function signInByAccess(): Promise<Fault | undefined> {
  const fault = await ask('POST', {})
  if (fault) {
    // 400: the server does not know Access, or Access is not in front of it.
    accessState.value = fault.status === 400 ? undefined : { fault }
  } else {
    tellTabs()
  }
  return fault
}

/** @returns why the session goes on; `undefined` when it has ended */
export async function signOut(everywhere: boolean): Promise<Fault | undefined> {
  const response = await fetch(everywhere ? `${PATH}?everywhere=true` : PATH, {
    method: 'DELETE',
    headers: HEADERS,
  }).catch(() => undefined)
  if (response?.ok || response?.status === 401) {
    sessionState.value = { kind: 'signed_out' }
    tellTabs()
    return undefined
  }
  return response ? faultOf(response.status, await response.text()) : noAnswer()
}

async function ask(method: 'GET' | 'POST', body?: object): Promise<Fault | undefined> {
  const response = await fetch(PATH, {
    method,
    headers: HEADERS,
    redirect: 'manual',
    cache: 'no-store',
    ...(body && { body: JSON.stringify(body) }),
  }).catch(() => undefined)
  const text = response ? await response.text().catch(() => '') : ''
  if (response?.ok) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own server's answer
    begin(JSON.parse(text) as Session)
    return undefined
  }
  return response ? faultOf(response.status || 302, text) : noAnswer()
}

function begin(session: Session): void {
  setServerTime(Date.parse(session.now))
  sessionState.value = { kind: 'signed_in', session }
  accessState.value = session.access ? {} : undefined
  const ready = waiting
  waiting = []
  for (const resolve of ready) {
    resolve()
  }
}
