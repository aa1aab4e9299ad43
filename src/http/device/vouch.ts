import { clock, inTime } from '../../clock.ts'
import type { Config } from '../../config/config.ts'
import { ownerOf } from '../../directory/identities.ts'
import { OwnError, reasonOf } from '../../reason.ts'
import { warn } from '../../log.ts'
import { createLimiter } from './limiter.ts'
import {
  acceptedCAs,
  AUTHORITIES_FOR,
  check,
  lastKnownCAs,
  type Signer,
  type ValidPath,
} from '../../identity/accepted-cas.ts'

/** Whether a message with a certificate may reach an object. */
export type Vouched =
  /** `owner`: the enrolment of the certificate, if known. `path`: to an accepted CA, if checked. */
  | { readonly ok: true; readonly owner: string | undefined; readonly path?: ValidPath }
  | { readonly ok: false; readonly status: 400 | 503; readonly reason: string }

/** An isolate's record of a certificate: its enrolment, which does not change, or its refusals. */
type Seen =
  | { readonly owner: string }
  | { readonly owner: undefined; readonly refusals: number; readonly since: number }

const MAX_SEEN = 10_000
/**
 * Each call of an object leaves at least its file. A certificate of no device that objects have refused this
 * often is refused before it reaches one.
 */
const MAX_REFUSALS = 10
const REFUSALS_FOR = 3_600_000
/** How long a query of the directory may take, and the pause after one without an answer. */
const PATIENCE = 2000
const PAUSE = 5000
/**
 * While the directory does not answer, only the object knows the certificate of its device. Per minute, this
 * many messages reach objects: for each certificate of an accepted CA, and for all other certificates
 * together. The others are of a CA that is no longer accepted, or come to an isolate that could not read the
 * CAs yet.
 */
const OUTAGE_TRIES = 10
const OUTAGE_STRANGERS = 100
const MINUTE = 60_000

/** By fingerprint; the one that was used last is at the end. */
const seen = new Map<string, Seen>()
let askAgainAt = 0
const outage = { minute: 0, strangers: 0, tries: new Map<string, number>() }
/** Each unknown certificate costs a look-up, and a stranger can send any number of them. */
const lookups = createLimiter({ places: 4, line: 32, patience: 5000, lease: 30_000 })

/**
 * Whether a message's certificate descends from an accepted CA, or belongs to an enrolment. A known
 * certificate needs no query. While the directory does not answer, the object decides, within bounds. A new
 * certificate is checked again when it is claimed.
 */
export async function vouch(
  { DB }: { readonly DB: D1Database },
  config: Config,
  signer: Signer,
): Promise<Vouched> {
  const { fingerprint } = signer
  const known = seen.get(fingerprint)
  if (known?.owner !== undefined) {
    keep(fingerprint, known)
    return { ok: true, owner: known.owner }
  }
  const isRefused = refusalsOf(fingerprint) >= MAX_REFUSALS
  if (clock.now() < askAgainAt) {
    return withoutDirectory(DB, config, signer, isRefused)
  }
  try {
    const cas = await inTime(PATIENCE, acceptedCAs(DB, config, AUTHORITIES_FOR))
    const path = isRefused ? undefined : check(cas, signer)
    return path?.ok
      ? { ok: true, owner: undefined, path }
      : await lookUp(DB, config, signer, isRefused)
  } catch (error) {
    noteOutage()
    warn('directory:unavailable', { reason: reasonOf(error) })
    return withoutDirectory(DB, config, signer, isRefused)
  }
}

/** Records that the directory has not answered. */
export function noteOutage(): void {
  askAgainAt = clock.now() + PAUSE
}

/** Devices stay managed without the directory, even in an isolate that does not know them. */
function withoutDirectory(
  db: D1Database,
  config: Config,
  signer: Signer,
  isRefused: boolean,
): Vouched {
  const minute = Math.floor(clock.now() / MINUTE)
  if (outage.minute !== minute) {
    Object.assign(outage, { minute, strangers: 0, tries: new Map() })
  }
  const { fingerprint } = signer
  const tries = outage.tries.get(fingerprint) ?? 0
  const isDescended = check(lastKnownCAs(db, config), signer).ok
  const isWithin = isDescended
    ? tries < OUTAGE_TRIES && outage.tries.size < MAX_SEEN
    : outage.strangers < OUTAGE_STRANGERS
  if (isRefused || !isWithin) {
    const reason = 'the directory is not available, and this certificate is not known without it'
    return { ok: false, status: 503, reason }
  }
  if (isDescended) {
    outage.tries.set(fingerprint, tries + 1)
  } else {
    outage.strangers += 1
  }
  return { ok: true, owner: undefined }
}

async function lookUp(
  db: D1Database,
  config: Config,
  signer: Signer,
  isRefused: boolean,
): Promise<Vouched> {
  const { fingerprint } = signer
  const leave = await lookups.enter()
  if (!leave) {
    return { ok: false, status: 503, reason: 'too many unknown certificates at once' }
  }
  try {
    const owner = await inTime(PATIENCE, ownerOf(db, fingerprint))
    if (owner !== undefined) {
      keep(fingerprint, { owner })
      return { ok: true, owner }
    }
    if (isRefused) {
      return {
        ok: false,
        status: 400,
        reason: `the certificate belongs to no device and was refused ${MAX_REFUSALS} times within an hour`,
      }
    }
    // The CA may be new since the list was read.
    const path = check(await inTime(PATIENCE, acceptedCAs(db, config, 0)), signer)
    return path.ok ? { ok: true, owner, path } : { ok: false, status: 400, reason: path.reason }
  } finally {
    leave()
  }
}

/** The enrolment of a certificate, if it has one. @throws when the directory does not answer soon */
export async function findOwner(
  { DB }: { readonly DB: D1Database },
  fingerprint: string,
): Promise<string | undefined> {
  const known = seen.get(fingerprint)?.owner
  if (known !== undefined) {
    return known
  }
  const leave = await lookups.enter()
  if (!leave) {
    throw new OwnError('too many unknown certificates at once')
  }
  try {
    const owner = await inTime(PATIENCE, ownerOf(DB, fingerprint))
    if (owner !== undefined) {
      keep(fingerprint, { owner })
    }
    return owner
  } finally {
    leave()
  }
}

/** The same, if it is known soon. */
export async function ownerIfKnown(
  env: { readonly DB: D1Database },
  fingerprint: string,
): Promise<string | undefined> {
  if (clock.now() < askAgainAt) {
    return seen.get(fingerprint)?.owner
  }
  return findOwner(env, fingerprint).catch(() => undefined)
}

/** Records the enrolment of a certificate, from an object or the directory. */
export function noteOwner(fingerprint: string, owner: string): void {
  if (seen.get(fingerprint)?.owner === undefined) {
    keep(fingerprint, { owner })
  }
}

/** Records that an object refused a vouched certificate: it is the `owner`'s, or no device's. */
export function noteRefusal(fingerprint: string, owner?: string): void {
  if (owner !== undefined) {
    noteOwner(fingerprint, owner)
    return
  }
  const known = seen.get(fingerprint)
  if (known?.owner === undefined) {
    const refusals = refusalsOf(fingerprint)
    const since = refusals > 0 && known ? known.since : clock.now()
    keep(fingerprint, { owner, refusals: refusals + 1, since })
  }
}

function refusalsOf(fingerprint: string): number {
  const known = seen.get(fingerprint)
  return known?.owner === undefined && known && clock.now() - known.since < REFUSALS_FOR
    ? known.refusals
    : 0
}

function keep(fingerprint: string, fact: Seen): void {
  seen.delete(fingerprint)
  seen.set(fingerprint, fact)
  const [oldest] = seen.keys()
  if (seen.size > MAX_SEEN && oldest !== undefined) {
    seen.delete(oldest)
  }
}
