/** Items of a move as bytes: JSON, which the tool writes and the server reads back after it was checked. */
import { Buffer } from 'node:buffer'
import type { FlatBlueprint } from '../blueprints/flat.ts'
import type { DepToken } from '../dep/records.ts'
import type { MovedDevice } from './moved.ts'

/** The most that the API takes: of a request, of a move, or of one device. */
export const MOST = {
  items: 100,
  idCharacters: 1000,
  odd: 1000,
  channels: 500,
  /** Of one channel. */
  commands: 10_000,
  bindings: 5,
} as const

/** An administrator account that Macs get while they are set up. */
export interface MovedSetupUser {
  readonly uuid: string
  readonly shortName: string
  readonly longName: string
  readonly hidden: boolean
  /** Base64 of the hash; empty without one. */
  readonly passwordHash: string
}

/** An account of Automated Device Enrollment. */
export interface MovedDepAccount {
  readonly token: DepToken
  /** Serial number of the certificate that Apple encrypts its tokens for, hexadecimal. */
  readonly keySerial?: string
  /** Of the account in use: its place in Apple’s list, with its time in milliseconds; 0 for none. */
  readonly cursor?: { readonly value: string; readonly at: number }
  /** The uuid of the profile that all new devices get. */
  readonly autoAssign?: string
}

/** A CA, or a key pair for Apple’s tokens. */
export interface AuthorityRecord {
  /** DER. */
  readonly certificate: Uint8Array
  /** PKCS#8 in DER. */
  readonly key: Uint8Array
  /** Of a CA: where its counter goes on; undefined without one. */
  readonly nextSerial: number | undefined
}

const text = new TextDecoder()

/** A device's record, which {@link checkMovedDevice} has accepted. */
export function readMovedDevice(data: Uint8Array): MovedDevice {
  return JSON.parse(text.decode(data))
}

/** A setup user, which the API has checked. */
export function readMovedSetupUser(data: Uint8Array): MovedSetupUser {
  return JSON.parse(text.decode(data))
}

/** A blueprint, which the API has checked. */
export function readMovedBlueprint(data: Uint8Array): FlatBlueprint {
  return JSON.parse(text.decode(data))
}

/** An account, which the API has checked. */
export function readMovedDepAccount(data: Uint8Array): MovedDepAccount {
  return JSON.parse(text.decode(data))
}

export function writeAuthority({ certificate, key, nextSerial }: AuthorityRecord): Uint8Array {
  const [cert, pkcs8] = [certificate, key].map((bytes) => Buffer.from(bytes).toString('base64'))
  return Buffer.from(JSON.stringify({ certificate: cert, key: pkcs8, nextSerial }))
}

export function readAuthority(data: Uint8Array): AuthorityRecord {
  const stored: { certificate: string; key: string; nextSerial?: number } = JSON.parse(
    text.decode(data),
  )
  return {
    certificate: new Uint8Array(Buffer.from(stored.certificate, 'base64')),
    key: new Uint8Array(Buffer.from(stored.key, 'base64')),
    nextSerial: stored.nextSerial,
  }
}
