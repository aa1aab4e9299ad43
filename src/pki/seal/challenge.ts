/**
 * SCEP challenges that need no row until they are used: all that is to be known of one stands in itself, under an
 * HMAC. 96 characters of base64: profile version (1) ‖ counted (1) ‖ issued (6) ‖ expires (6) ‖ digest of the UDID
 * (16) ‖ of the serial number (16) ‖ nonce (10) ‖ HMAC-SHA-256, its first half (16).
 */
import { Buffer } from 'node:buffer'
import { createHash, createHmac, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto'

/** The device that a challenge is given out for; empty or absent is what is not known of it. */
export interface Subject {
  readonly udid?: string
  readonly serial?: string
}

/** The same as it is kept: digests in hexadecimal, empty for what a challenge is not bound to. */
export interface Binding {
  readonly udid: string
  readonly serial: string
}

/** What a challenge says. Times are milliseconds since 1970. */
export interface Grant {
  /** Version of the enrolment profile that it stood in; 0 when it stood in none. */
  readonly profile: number
  /** Anybody could have it, for any device: how many of its kind get a certificate in a minute is limited. */
  readonly counted: boolean
  readonly issuedAt: number
  readonly expiresAt: number
  readonly binding: Binding
  /** Hexadecimal: challenges with the same nonce are good for one certificate together. */
  readonly nonce: string
}

/** What the keys are derived for: a challenge of another layout has another one. */
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

/** A nonce that is another one with each call, or with each text. */
export function nonceOf(text?: string): string {
  const bytes =
    text === undefined ? randomBytes(NONCE_BYTES) : createHash('sha256').update(text).digest()
  return bytes.toString('hex', 0, NONCE_BYTES)
}

/** The challenge that says all this. */
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

/** What a challenge says, if one of the keys made it; `undefined` for any other text. */
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

/** How a device is kept as what something is bound to. */
export function bindingOf({ udid = '', serial = '' }: Subject): Binding {
  return { udid: digestOf('udid', udid), serial: digestOf('serial', serial) }
}

/** Whether something is bound to a device at all. */
export function isBound({ udid, serial }: Binding): boolean {
  return udid !== '' || serial !== ''
}

/** Capital and small letters count as the same, and blanks for nothing: no two devices differ in nothing else. */
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
