/** The calls that a claim makes, in their order. */
import { newAuthorityKey } from './authority-key.ts'

/** What the calls need of the browser. */
export interface ClaimEffects {
  readonly fetch: (path: string, init: RequestInit) => Promise<Response>
  readonly sleep: (milliseconds: number) => Promise<unknown>
  readonly subtle: SubtleCrypto
}

/** The keys of a server, as `POST /setup/claim` answers them. */
export interface SetupKeys {
  readonly api_key: string
  readonly seal_keys: string
  readonly url: string
}

/** Why a call did not succeed. */
export interface ClaimFault {
  /** Of HTTP; 0 without an answer. */
  readonly status: number
  /** The code of the server's answer; empty without one. */
  readonly code: string
  /** The server's sentence; empty without one. */
  readonly detail: string
}

export type ClaimAnswer<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly fault: ClaimFault }

/** Whether the server has an owner, and whether a setup code is set. */
export interface SetupState {
  readonly claimed: boolean
  readonly code: 'set' | 'missing' | 'weak'
}

/** A part of the server may take this long to learn that the server is claimed, or of a new key. */
const TRIES = 6
const BETWEEN_TRIES = 2500

export function readSetupState(effects: ClaimEffects): Promise<ClaimAnswer<SetupState>> {
  return call(effects, '/setup/state', { method: 'GET' })
}

/** The same keys for the same code, until `confirmSetup`. */
export function askSetupKeys(effects: ClaimEffects, code: string): Promise<ClaimAnswer<SetupKeys>> {
  return call(effects, '/setup/claim', posted({ code }))
}

/** Ends the claim. A repeated call succeeds when the earlier one did and its answer was lost. */
export async function confirmSetup(
  effects: ClaimEffects,
  code: string,
  apiKey: string,
): Promise<ClaimAnswer<unknown>> {
  const confirmed = await call(effects, '/setup/confirm', posted({ code }))
  if (confirmed.ok || confirmed.fault.code !== 'already_claimed') {
    return confirmed
  }
  const known = await patiently(effects, () => call(effects, '/api/whoami', keyed(apiKey)))
  return known.ok ? known : confirmed
}

/**
 * Gives the server a certificate authority, if none issues yet. The browser makes its key, because that takes
 * more CPU than a request has on the free plan.
 */
export async function giveAuthority(
  effects: ClaimEffects,
  apiKey: string,
): Promise<ClaimAnswer<unknown>> {
  const known = await patiently(effects, () =>
    call<{ readonly items: readonly { readonly issues: boolean }[] }>(
      effects,
      '/api/ca',
      keyed(apiKey),
    ),
  )
  if (!known.ok || known.value.items.some(({ issues }) => issues)) {
    return known
  }
  const body = JSON.stringify({ private_key: await newAuthorityKey(effects.subtle) })
  return call(effects, '/api/ca', { ...keyed(apiKey), method: 'POST', body })
}

/** The link for people who enrol devices; `undefined` if the server does not tell it. */
export async function readEnrolmentLink(
  effects: ClaimEffects,
  apiKey: string,
): Promise<string | undefined> {
  const links = await call<{ readonly link: string }>(effects, '/api/enrollment', keyed(apiKey))
  return links.ok ? links.value.link : undefined
}

function keyed(apiKey: string): RequestInit {
  return { method: 'GET', headers: { authorization: `Bearer ${apiKey}` } }
}

function posted(body: object): RequestInit {
  const headers = { 'content-type': 'application/json', 'x-edgemdm': 'setup' }
  return { method: 'POST', headers, body: JSON.stringify(body) }
}

async function patiently<Value>(
  { sleep }: ClaimEffects,
  ask: () => Promise<ClaimAnswer<Value>>,
): Promise<ClaimAnswer<Value>> {
  for (let attempt = 1; ; attempt++) {
    const answer = await ask()
    const isEarly =
      !answer.ok && (answer.fault.code === 'not_claimed' || answer.fault.status === 401)
    if (!isEarly || attempt === TRIES) {
      return answer
    }
    await sleep(BETWEEN_TRIES)
  }
}

async function call<Value>(
  effects: ClaimEffects,
  path: string,
  init: RequestInit,
): Promise<ClaimAnswer<Value>> {
  try {
    // A login in front of the server leads elsewhere, and the keys must not go there.
    const response = await effects.fetch(path, { ...init, redirect: 'manual', cache: 'no-store' })
    const { ok, status } = response
    const said = jsonIn(await response.text())
    if (ok && said) {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own server's answer
      return { ok: true, value: said as Value }
    }
    const { code, detail = said?.error } = said ?? {}
    const fault = {
      // A redirect that is not followed hides its status.
      status: status || 302,
      code: typeof code === 'string' ? code : '',
      detail: typeof detail === 'string' ? detail : '',
    }
    return { ok: false, fault }
  } catch {
    return { ok: false, fault: { status: 0, code: '', detail: '' } }
  }
}

interface Said {
  readonly code?: unknown
  /** Of a problem document. */
  readonly detail?: unknown
  readonly error?: unknown
}

/** `undefined` for what is not of our server. */
function jsonIn(text: string): Said | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
