import type { Context } from 'hono'
import { clock, inTime, wait } from '../../clock.ts'
import { reasonOf, OwnError } from '../../reason.ts'
import type { AppEnv } from '../app-env.ts'
import { MAX_BODY_BYTES, type BodyReading, WHOLE } from '../body.ts'
import { addressOf, networkOf } from '../caller.ts'
import { createLimiter, type Guest, type Leave } from './limiter.ts'
import { namedSigner } from './signer.ts'
import { ownerIfKnown, vouch } from './vouch.ts'

/** Messages have a few kilobytes. Only inventories are longer than this. */
export const SMALL_BODY_BYTES = WHOLE

/** Times in milliseconds. An isolate has 128 MB, and a long message needs several times its length. */
const WAITS_FOR = 20_000
const READ_WITHIN = 120_000
const ANSWERED_WITHIN = 60_000
/** After its first seconds, a body that is slower than this gives its place to others (bytes a second). */
const SLOW = 64_000
const BEGINS_WITHIN = 5000
/** How often a reading checks whether it still has its place. */
const LOOK_EVERY = 200
const limiter = createLimiter({
  places: 4,
  line: 32,
  patience: WAITS_FOR,
  lease: READ_WITHIN + ANSWERED_WITHIN,
})

export type LargeBody =
  /** Call `leave` after the answer. */
  | { readonly ok: true; readonly body: Uint8Array; readonly leave: Leave }
  | { readonly ok: false; readonly status: 400 | 413 | 503; readonly reason: string }

/**
 * Reads a long body, if the certificate in its headers is vouched for. At a time it reads one body for each
 * certificate and network, and a few in all, each for a limited time. A certificate in a header proves
 * nothing, because certificates are public: a slow body gives its place to others, and a body with a
 * certificate of no device to those of devices.
 */
export async function readLargeBody(c: Context<AppEnv>, reading: BodyReading): Promise<LargeBody> {
  if ((reading.declared ?? 0) > MAX_BODY_BYTES) {
    return { ok: false, status: 413, reason: 'the body is longer than 20 MB' }
  }
  const signer = namedSigner(c)
  if (!signer.ok) {
    return { ok: false, status: 413, reason: `a body of more than 1 MB: ${signer.reason}` }
  }
  const vouched = await vouch(c.env, c.var.config, signer)
  if (!vouched.ok) {
    return vouched
  }
  const place = placeFor(
    reading,
    `${signer.fingerprint} ${networkOf(addressOf(c))}`,
    vouched.owner ?? (await ownerIfKnown(c.env, signer.fingerprint)),
  )
  const leave = await limiter.enter(place.guest)
  if (!leave) {
    return { ok: false, status: 503, reason: 'too many bodies of more than 1 MB at once' }
  }
  const read = await readInTime(reading, place)
  if (!read.ok) {
    leave()
    return read
  }
  return { ...read, leave }
}

interface Place {
  readonly guest: Guest
  /** Why the place was lost; empty while it is kept. */
  lost: string
  isReading: boolean
  since: number
}

function placeFor(reading: BodyReading, name: string, owner: string | undefined): Place {
  const isSlow = (): boolean => {
    const took = clock.now() - place.since
    return took >= BEGINS_WITHIN && reading.arrived() < (SLOW * took) / 1000
  }
  const place: Place = {
    lost: '',
    isReading: false,
    since: 0,
    guest: {
      name,
      isPreferred: owner !== undefined,
      gives: (to) =>
        place.isReading && (isSlow() || (owner === undefined && to.isPreferred === true)),
      lose() {
        place.lost = 'others waited, and the body was too slow or of no known device'
      },
    },
  }
  return place
}

/** The body, unless the place is lost first. A request cannot wake another one, so each checks its place. */
async function readWhileKept(reading: BodyReading, place: Place): Promise<Uint8Array | undefined> {
  Object.assign(place, { isReading: true, since: clock.now() })
  const read = reading.upTo(MAX_BODY_BYTES).finally(() => {
    place.isReading = false
  })
  const watch = async (): Promise<Uint8Array | undefined> => {
    while (place.isReading) {
      if (place.lost !== '') {
        throw new OwnError(place.lost)
      }
      await wait(LOOK_EVERY)
    }
    return read
  }
  return Promise.race([read, watch()])
}

async function readInTime(
  reading: BodyReading,
  place: Place,
): Promise<{ readonly ok: true; readonly body: Uint8Array } | Extract<LargeBody, { ok: false }>> {
  try {
    const body = await inTime(READ_WITHIN, readWhileKept(reading, place))
    return body
      ? { ok: true, body }
      : { ok: false, status: 413, reason: 'the body is longer than 20 MB' }
  } catch (error) {
    place.isReading = false
    reading.stop()
    return { ok: false, status: 503, reason: `the body did not come: ${reasonOf(error)}` }
  }
}
