/** Why a call did not succeed, and the sentence for it. */
export interface Fault {
  /**
   * `offline`: no answer. `refused`: the server says why. `unavailable`: it, or what stands before it, cannot
   * answer just now.
   */
  readonly kind: 'offline' | 'refused' | 'unavailable'
  /** Of HTTP; 0 without an answer. */
  readonly status: number
  /** The problem's code (docs/api.md); empty if the answer is not our server's. */
  readonly code: string
  readonly detail: string
  /** What is wrong with which part of the body, as paths such as `command.pin`. */
  readonly errors: readonly { readonly at: string; readonly detail: string }[]
}

/** The parts of a problem document that the console reads. */
interface Said {
  readonly code?: unknown
  readonly detail?: unknown
  readonly errors?: unknown
  readonly at?: unknown
}

const OFFLINE: Fault = {
  kind: 'offline',
  status: 0,
  code: '',
  detail: 'The server does not answer. Check your connection.',
  errors: [],
}

/** The session ended before a change, and another person has signed in. */
export const OTHER_PERSON: Fault = {
  kind: 'refused',
  status: 401,
  code: '',
  detail: 'Another person has signed in meanwhile, so this was not done.',
  errors: [],
}

export function noAnswer(): Fault {
  return OFFLINE
}

/** Reads the problem document of an answer (RFC 9457), or says that it has none. */
export function faultOf(status: number, text: string): Fault {
  const said = problemIn(text)
  const code = wordOf(said?.code)
  const detail = wordOf(said?.detail) || strange(status)
  return {
    kind: status >= 500 || status === 429 ? 'unavailable' : 'refused',
    status,
    code,
    detail: code === LACKING ? lacking(detail) : detail,
    errors: Array.isArray(said?.errors) ? said.errors.flatMap(faultAt) : [],
  }
}

/** The code of a call that the key may not make. Trying again is of no use. */
export const LACKING = 'missing_scope'

/** The server's sentence is for programs: it names calls. A person needs the scope, and somebody to ask. */
function lacking(detail: string): string {
  const scope = /^key ".*" lacks scope ([a-z ]+):/.exec(detail)?.[1]
  return scope === undefined
    ? detail
    : `Your key lacks the scope ${scope}. Ask the person who gave it to you, or sign in with another key.`
}

function strange(status: number): string {
  return status >= 300 && status < 400
    ? 'Something in front of the server leads elsewhere: its sign-in has ended, perhaps. Reload the page.'
    : `The answer ${status} is not one of EdgeMDM: something stands in front of the server. Try again.`
}

function faultAt(error: unknown): { at: string; detail: string }[] {
  const { at, detail } = objectIn(error) ?? {}
  return typeof detail === 'string' ? [{ at: wordOf(at), detail }] : []
}

function wordOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function problemIn(text: string): Said | undefined {
  try {
    return objectIn(JSON.parse(text))
  } catch {
    return undefined
  }
}

function objectIn(value: unknown): Said | undefined {
  return typeof value === 'object' && value !== null ? value : undefined
}

/** What came of one call, or of several. */
export type Done = { readonly ok: true } | { readonly ok: false; readonly fault: Fault }
