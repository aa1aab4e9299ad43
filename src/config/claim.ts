/**
 * Whose server it is, and its seal keys, when they are not secrets of the Worker (docs/claim.md): the object
 * Control knows. With complete secrets no request waits for it.
 */
import { clock, inTime, wait } from '../clock.ts'
import { CONTROL_NAME } from '../figures/report.ts'
import { warn } from '../log.ts'
import { createSealer } from '../pki/seal/seal.ts'
import { reasonOf } from '../reason.ts'
import { setting, type UncheckedVars } from './vars.ts'

/** What Control knows. */
export interface ClaimView {
  /**
   * `page`: by a setup code, and the keys are in Control. `secrets`: a Worker has had complete secrets once.
   * Absent while the server is unclaimed.
   */
  readonly by?: 'page' | 'secrets'
  /** The seal keys that Control holds, in the form of `SEAL_KEYS`; empty without. */
  readonly ring: string
}

/** The claim, or why Control could not be asked. */
export type ServerClaim = ClaimView | { readonly unreadable: string }

export interface ClaimEnv {
  readonly CONTROL?: {
    getByName(name: string): {
      claimView(): Promise<ClaimView>
      noteSecrets(seen: { ids: readonly string[] }): Promise<ClaimView>
    }
  }
}

/** How long "unclaimed" is believed, and how long a failure. A claim lasts. */
const UNCLAIMED_FOR = 5000
const FAILED_FOR = 1000
/** How long a request waits for Control. */
const PATIENCE = 5000
/** So many requests of an isolate ask at once. The others look this often for what these have found. */
const MAX_READS = 4
const LOOK_EVERY = 50

interface Known {
  readonly claim: ServerClaim | undefined
  readonly until: number
}

/** By environment. A read belongs to the request that began it: requests share only what it found. */
const known = new WeakMap<object, Known>()

/** When the reads that have found nothing yet began. The runtime may end a read with its request. */
const begun = new WeakMap<object, readonly number[]>()

/** What this isolate has told Control of its secrets, by `SEAL_KEYS`. There is one, but in tests. */
const noted = new Map<string, { readonly view?: ClaimView; readonly notBefore: number }>()

/** What the settings are to be read with; `undefined` while Control has nothing to add to the secrets. */
export function claimOf(env: object): ServerClaim | undefined {
  return known.get(env)?.claim
}

/**
 * Whether Control may hold seal keys that this isolate has not heard of: what no known key made may still be
 * good, so it is not refused for good. With secrets, that lasts until Control's first answer.
 */
export function mayHoldMoreKeys(env: object): boolean {
  return known.get(env)?.until !== Infinity
}

/** The next request asks Control again: this isolate has changed the claim. */
export function forgetClaim(env: object): void {
  known.delete(env)
}

/**
 * Finds out what `configOf` has to know. Every entry of the Worker calls it, and waits if it answers a
 * promise. With complete secrets it answers none: Control hears of them once for each isolate, behind the
 * answer, and the server is claimed for ever.
 *
 * @param later keeps the isolate alive for work behind the answer
 */
export function prepareConfig(
  env: ClaimEnv,
  later: (work: Promise<void>) => void,
): Promise<void> | undefined {
  if (isKnown(env)) {
    return undefined
  }
  const vars: UncheckedVars = { ...env }
  if (!hasSecrets(vars)) {
    return findClaim(env)
  }
  const ring = setting(vars, 'SEAL_KEYS')
  const note = noted.get(ring)
  if (note?.view) {
    keepNoted(env, note.view)
  } else if (clock.now() >= (note?.notBefore ?? 0)) {
    noted.set(ring, { notBefore: clock.now() + UNCLAIMED_FOR })
    later(noteSecrets(env, ring))
  }
  return undefined
}

function isKnown(env: object): boolean {
  return clock.now() < (known.get(env)?.until ?? 0)
}

function hasSecrets(vars: UncheckedVars): boolean {
  const adminKeysOnly = /^(true|yes|1)$/i.test(setting(vars, 'ADMIN_KEYS_ONLY'))
  return setting(vars, 'SEAL_KEYS') !== '' && (adminKeysOnly || setting(vars, 'API_KEY') !== '')
}

/** A crowd at a new isolate asks Control a few times. A request cannot await the call of another one. */
async function findClaim(env: ClaimEnv): Promise<void> {
  const began = clock.now()
  const underWay = (begun.get(env) ?? []).filter((at) => began - at < PATIENCE)
  if (underWay.length < MAX_READS) {
    begun.set(env, [...underWay, began])
    await readClaim(env)
    return
  }
  while (!isKnown(env)) {
    if (clock.now() - began < PATIENCE) {
      await wait(LOOK_EVERY)
    } else {
      keepRead(env, { unreadable: `no answer within ${PATIENCE / 1000} s` })
    }
  }
}

async function readClaim(env: ClaimEnv): Promise<void> {
  const found = await askControl(env, (control) => control.claimView())
  if ('unreadable' in found) {
    warn('claim:unreadable', { reason: found.unreadable })
  }
  begun.delete(env)
  keepRead(env, found)
}

function keepRead(env: object, found: ServerClaim): void {
  const before = known.get(env)
  // A read that began before another, or before the claim, may know less.
  if (before?.until !== Infinity) {
    const claim = isSame(before?.claim, found) ? before?.claim : found
    known.set(env, { claim, until: lasts(found) })
  }
}

function lasts(claim: ServerClaim): number {
  if ('unreadable' in claim) {
    return clock.now() + FAILED_FOR
  }
  return claim.by ? Infinity : clock.now() + UNCLAIMED_FOR
}

/** The settings are read anew for another claim alone. */
function isSame(one: ServerClaim | undefined, other: ServerClaim): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

async function noteSecrets(env: ClaimEnv, ring: string): Promise<void> {
  const view = await askControl(env, (control) =>
    control.noteSecrets({ ids: createSealer(ring).keyIds }),
  )
  if ('unreadable' in view) {
    warn('claim:not-noted', { reason: view.unreadable })
    return
  }
  noted.set(ring, { view, notBefore: 0 })
  keepNoted(env, view)
}

function keepNoted(env: ClaimEnv, view: ClaimView): void {
  known.set(env, { claim: view.ring === '' ? undefined : view, until: Infinity })
}

async function askControl(
  { CONTROL }: ClaimEnv,
  ask: (control: ReturnType<NonNullable<ClaimEnv['CONTROL']>['getByName']>) => Promise<ClaimView>,
): Promise<ServerClaim> {
  try {
    return CONTROL
      ? await inTime(PATIENCE, ask(CONTROL.getByName(CONTROL_NAME)))
      : { unreadable: 'the Worker has no binding CONTROL' }
  } catch (error) {
    return { unreadable: reasonOf(error) }
  }
}
