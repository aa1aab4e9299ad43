import type { Context } from 'hono'
import { inTime } from '../../clock.ts'
import { reasonOf } from '../../log.ts'
import type { AppEnv } from '../app-env.ts'
import { MAX_BODY_BYTES, type Reading } from '../body.ts'
import { createGate, type Leave } from '../gate.ts'
import { namedSigner } from './signer.ts'
import { vouch } from './vouch.ts'

/** Messages are a few kilobytes. Only inventories are longer than this. */
export const SMALL_BODY_BYTES = 1_000_000

/** An isolate has 128 MB, and a long message needs several times its length. */
const WAITS_FOR = 20_000
const READ_WITHIN = 120_000
const ANSWERED_WITHIN = 60_000
const gate = createGate({
  places: 4,
  line: 32,
  patience: WAITS_FOR,
  lease: READ_WITHIN + ANSWERED_WITHIN,
})

export type LargeBody =
  /** `leave` has to be called when the message is answered. */
  | { readonly ok: true; readonly body: Uint8Array; readonly leave: Leave }
  | { readonly ok: false; readonly status: 400 | 413 | 503; readonly reason: string }

/**
 * Reads a long body: of a sender whose certificate is vouched for, which its headers show without the body, one of each
 * certificate and a few of all at a time, and not for ever.
 */
export async function readLargeBody(c: Context<AppEnv>, reading: Reading): Promise<LargeBody> {
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
  const leave = await gate.enter(signer.fingerprint)
  if (!leave) {
    return { ok: false, status: 503, reason: 'too many bodies of more than 1 MB at once' }
  }
  const read = await readInTime(reading)
  if (!read.ok) {
    leave()
    return read
  }
  return { ...read, leave }
}

async function readInTime(
  reading: Reading,
): Promise<{ readonly ok: true; readonly body: Uint8Array } | Extract<LargeBody, { ok: false }>> {
  try {
    const body = await inTime(READ_WITHIN, reading.upTo(MAX_BODY_BYTES))
    return body
      ? { ok: true, body }
      : { ok: false, status: 413, reason: 'the body is longer than 20 MB' }
  } catch (error) {
    return { ok: false, status: 503, reason: `the body did not come: ${reasonOf(error)}` }
  }
}
