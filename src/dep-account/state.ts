import type { TellEnv } from './tell.ts'
import { requireConfig } from '../config/config.ts'
import type { DepLine, DepRefusal } from '../dep/client.ts'
import type { DepAccountDetail, DepToken } from '../dep/records.ts'
import { GOOD_STANDING, type DepStanding } from '../dep/standing.ts'
import { SealError } from '../pki/seal/seal.ts'

export interface DepEnv extends TellEnv {
  readonly DB: D1Database
}

/** The place in Apple's list of devices. */
export interface DepCursor {
  readonly value: string
  /** `fetch`: a full fetch goes on. `sync`: changes since then. */
  readonly phase: 'fetch' | 'sync'
  /** When Apple gave it (milliseconds). */
  readonly at: number
}

/**
 * What automatic assignment may do. `nothing`: a dry run. `own`: devices without a profile, and those whose
 * profile another one of ours has replaced. `all`: also those whose profile the server did not define.
 */
export type AssignMode = 'nothing' | 'own' | 'all'

/** A run of synchronization, which goes on until Apple has no more pages. */
export interface DepRun {
  readonly startedAt: number
  /** Calls to Apple so far. */
  readonly calls: number
  /** Entries on its pages. */
  readonly devices: number
  /** Devices whose rows have changed. */
  readonly rows: number
  /** It begins a full fetch as soon as the present cursor is at its end. */
  readonly fetches: boolean
  /** It has begun one full fetch already. */
  readonly fetched: boolean
  /** What a full fetch has found, beside what the store knew. */
  readonly found: { readonly added: number; readonly changed: number }
}

/** The end of a run. Times are milliseconds. */
export interface DepRunReport {
  readonly startedAt: number
  readonly endedAt: number
  readonly calls: number
  readonly devices: number
  readonly rows: number
  readonly full: boolean
  /** Why it ended early. */
  readonly error?: string
}

/** What the object keeps, as one value. Times are milliseconds; 0 stands for never. */
export interface DepState {
  /** JSON of the token, sealed for `dep/{account}/token`. */
  readonly token: Uint8Array
  readonly expiresAt: number
  /** When the token came. */
  readonly tokenAt: number
  /** The serial number of its key pair's certificate; empty when there is none. */
  readonly keySerial: string
  /** Sealed for `dep/{account}/session`. */
  readonly session: Uint8Array | undefined
  readonly detail: DepAccountDetail
  /** When Apple told the details. */
  readonly detailAt: number
  readonly standing: DepStanding
  /** The last notice about the end of the token, in days. */
  readonly noticed: number | undefined
  readonly cursor: DepCursor | undefined
  readonly assigns: AssignMode
  /** A person wants a full fetch. */
  readonly wantsFull: boolean
  /** Pages of the full fetch that goes on. */
  readonly pages: number
  /** When the last full fetch was complete. */
  readonly fullAt: number
  /** Runs that ended because the cursor did not move, one after the other. */
  readonly stuck: number
  readonly run: DepRun | undefined
  readonly lastRun: DepRunReport | undefined
  /** When a run last came to its end. */
  readonly lastSyncAt: number
  readonly nextSyncAt: number
  /** Until then it synchronizes more often. */
  readonly quickUntil: number
  /** The rules are applied to all devices behind this serial number; undefined when that is done. */
  readonly planAfter: string | undefined
}

/** An account in the memory of its object. */
export interface Account {
  readonly ctx: DurableObjectState
  readonly env: DepEnv
  readonly id: string
  state: DepState | undefined
  /** The session, which all calls share. Each token has a line of its own. */
  line: DepLine
  /** The session as it is stored. */
  storedSession: string | undefined
  /** The work under way. */
  working: Promise<DepRefusal | undefined> | undefined
  /** Resolves at the end of the run. */
  ended: PromiseWithResolvers<void>
  /** The last refusal, while the account has a flag. */
  refusal: { readonly answer: DepRefusal; readonly at: number } | undefined
  /** The next assignment may be sent then (milliseconds). */
  assignAt: number
}

/** An account with its state. */
export type OpenAccount = Account & { state: DepState }

const STATE = 'state'

export function openAccount(ctx: DurableObjectState, env: DepEnv): Account {
  const id = ctx.id.name ?? ''
  const state = ctx.storage.kv.get<DepState>(STATE)
  const session = state?.session && openSession(env, state.session, id)
  return {
    ctx,
    env,
    id,
    state,
    line: { session },
    storedSession: session,
    working: undefined,
    ended: Promise.withResolvers(),
    refusal: undefined,
    assignAt: 0,
  }
}

/** Whether a token was installed. */
export function isInstalled(account: Account): account is OpenAccount {
  return account.state !== undefined
}

export function save(account: OpenAccount, change: Partial<DepState>): void {
  account.state = { ...account.state, ...change }
  account.ctx.storage.kv.put(STATE, account.state)
}

/** What comes with a token. */
export interface DepInstallation {
  readonly token: DepToken
  readonly keySerial?: string
  readonly detail?: DepAccountDetail
  /** A session that was opened with the token. */
  readonly session?: string | undefined
  /** Of the server that the account moves from: its devices stay as they are until `confirm()`. */
  readonly cursor?: { readonly value: string; readonly at: number }
}

/** An hour of frequent synchronization follows an import and a sync by hand. */
export const QUICK_FOR = 3_600_000

/** Puts a token in place. The session of the one before is dropped; the cursor stays. */
export function putToken(account: Account, given: DepInstallation, now: number): void {
  const { token, keySerial = '', detail, session, cursor } = given
  const before = account.state
  const state: DepState = {
    ...(before ?? NEW),
    ...(!before && cursor && { cursor: { ...cursor, phase: 'sync' }, assigns: 'nothing' }),
    ...(detail && { detail, detailAt: now }),
    token: sealText(account.env, JSON.stringify(token), `dep/${account.id}/token`),
    expiresAt: token.expiresAt,
    tokenAt: now,
    keySerial,
    session: undefined,
    standing: GOOD_STANDING,
    noticed: undefined,
    nextSyncAt: now,
    quickUntil: now + QUICK_FOR,
  }
  account.line = { session: undefined }
  account.storedSession = undefined
  account.refusal = undefined
  account.state = state
  if (isInstalled(account)) {
    account.line.session = session
    saveSession(account, session, {})
  }
}

const NEW: Omit<DepState, 'token' | 'expiresAt' | 'tokenAt' | 'keySerial' | 'session' | 'noticed'> =
  {
    detail: {},
    detailAt: 0,
    standing: GOOD_STANDING,
    cursor: undefined,
    assigns: 'own',
    wantsFull: false,
    pages: 0,
    fullAt: 0,
    stuck: 0,
    run: undefined,
    lastRun: undefined,
    lastSyncAt: 0,
    nextSyncAt: 0,
    quickUntil: 0,
    planAfter: undefined,
  }

/** Stores the session beside other changes. */
export function saveSession(
  account: OpenAccount,
  session: string | undefined,
  change: Partial<DepState>,
): void {
  const place = `dep/${account.id}/session`
  const sealed = session === undefined ? undefined : sealText(account.env, session, place)
  account.storedSession = session
  save(account, { ...change, session: sealed })
}

/** @throws SealError when the key that sealed it is gone */
export function openToken({ env, id, state }: OpenAccount): DepToken {
  return JSON.parse(openText(env, state.token, `dep/${id}/token`))
}

/** A session that cannot be opened costs a login. */
function openSession(env: DepEnv, sealed: Uint8Array, id: string): string | undefined {
  try {
    return openText(env, sealed, `dep/${id}/session`)
  } catch (error) {
    if (error instanceof SealError) {
      return undefined
    }
    throw error
  }
}

function sealText(env: DepEnv, text: string, place: string): Uint8Array {
  return requireConfig(env).sealer.seal(new TextEncoder().encode(text), place)
}

function openText(env: DepEnv, sealed: Uint8Array, place: string): string {
  return new TextDecoder().decode(requireConfig(env).sealer.open(sealed, place))
}
