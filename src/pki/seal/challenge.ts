/**
 * Writes and reads SCEP challenges that need no row until they are used: the challenge itself holds all
 * facts, under an HMAC. 96 characters of base64: profile version (1) ‖ counted (1) ‖ issued (6) ‖ expires
 * (6) ‖ digest of the UDID (16) ‖ digest of the serial number (16) ‖ nonce (10) ‖ first half of an
 * HMAC-SHA-256 (16).
 */
import { Buffer } from 'node:buffer'
import { createHash, createHmac, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto'

/** The device that a challenge is for. A part that is not known is empty or absent. */
export interface Subject {
  readonly udid?: string
  readonly serial?: string
}

/** The same as it is stored: digests in hexadecimal, empty where the challenge is not bound. */
export interface Binding {
  readonly udid: string
  readonly serial: string
}

/** The content of a challenge. Times are milliseconds since 1970. */
export interface Grant {
  /** Version of the enrolment profile that holds it; 0 for none. */
  readonly profile: number
  /**
   * Anyone can get such a challenge, for any device. `SCEP_RATE` limits how many certificates they get in a
   * minute.
   */
  readonly counted: boolean
  readonly issuedAt: number
  readonly expiresAt: number
  readonly binding: Binding
  /** Hexadecimal. All challenges with the same nonce get one certificate together. */
  readonly nonce: string
}

/** The purpose that its keys are derived for. Another layout needs another purpose. */
export const CHALLENGE_PURPOSE = 'edgemdm scep challenge 1'

const TIME_BYTES = 6
const LATEST = 2 ** (8 * TIME_BYTES) - 1
const DIGEST_BYTES = 16
const NONCE_BYTES = 10
const MAC_BYTES = 16
const ISSUED = 2
const EXPIRES = ISSUED + TIME_BYTES
const UDID = EXPIRES + TIME_BYTES
const SERIAL = UDID + DIGEST_BYTES
const NONCE = SERIAL + DIGEST_BYTES
const MAC = NONCE + NONCE_BYTES
/** A multiple of three, so that base64 needs no `=` and each challenge has one spelling. */
const BYTES = MAC + MAC_BYTES
const SPELLING = new RegExp(`^[A-Za-z0-9+/]{${(BYTES / 3) * 4}}$`)
const UNBOUND = Buffer.alloc(DIGEST_BYTES).toString('hex')

/** A new nonce with each call, or the nonce of a text. */
export function nonceOf(text?: string): string {
  const bytes =
    text === undefined ? randomBytes(NONCE_BYTES) : createHash('sha256').update(text).digest()
  return bytes.toString('hex', 0, NONCE_BYTES)
}

/** The challenge with this content. */
export function writeChallenge(key: KeyObject, grant: Grant): string {
  const bytes = Buffer.alloc(BYTES)
  bytes.writeUInt8(grant.profile, 0)
  bytes.writeUInt8(Number(grant.counted), 1)
  bytes.writeUIntBE(grant.issuedAt, ISSUED, TIME_BYTES)
  bytes.writeUIntBE(Math.min(grant.expiresAt, LATEST), EXPIRES, TIME_BYTES)
  bytes.write(grant.binding.udid, UDID, 'hex')
  bytes.write(grant.binding.serial, SERIAL, 'hex')
  bytes.write(grant.nonce, NONCE, 'hex')
  bytes.set(macOf(key, bytes), MAC)
  return bytes.toString('base64')
}

/** The content of a challenge, if one of the keys made it; `undefined` for any other text. */
export function readChallenge(keys: readonly KeyObject[], text: string): Grant | undefined {
  if (!SPELLING.test(text)) {
    return undefined
  }
  const bytes = Buffer.from(text, 'base64')
  if (!keys.some((key) => timingSafeEqual(macOf(key, bytes), bytes.subarray(MAC)))) {
    return undefined
  }
  return {
    profile: bytes.readUInt8(0),
    counted: bytes.readUInt8(1) === 1,
    issuedAt: bytes.readUIntBE(ISSUED, TIME_BYTES),
    expiresAt: bytes.readUIntBE(EXPIRES, TIME_BYTES),
    binding: { udid: digestAt(bytes, UDID), serial: digestAt(bytes, SERIAL) },
    nonce: bytes.toString('hex', NONCE, MAC),
  }
}

/** The digests of a device. */
export function bindingOf({ udid = '', serial = '' }: Subject): Binding {
  return { udid: digestOf('udid', udid), serial: digestOf('serial', serial) }
}

/** Whether it is bound to a device. */
export function isBound({ udid, serial }: Binding): boolean {
  return udid !== '' || serial !== ''
}

/** The case of letters is ignored, and so are blanks: no two devices differ only in them. */
function digestOf(kind: string, text: string): string {
  return text === ''
    ? ''
    : createHash('sha256')
        .update(`${kind} ${text.replaceAll(/\s/g, '').toUpperCase()}`)
        .digest('hex')
        .slice(0, 2 * DIGEST_BYTES)
}

function digestAt(bytes: Buffer, at: number): string {
  const digest = bytes.toString('hex', at, at + DIGEST_BYTES)
  return digest === UNBOUND ? '' : digest
}

function macOf(key: KeyObject, bytes: Buffer): Buffer {
  return createHmac('sha256', key).update(bytes.subarray(0, MAC)).digest().subarray(0, MAC_BYTES)
}
