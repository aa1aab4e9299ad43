/** Items of a move as bytes: JSON, which the tool writes and the server reads back after it was checked. */
import { Buffer } from 'node:buffer'
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

/** A CA with its key. */
export interface AuthorityRecord {
  /** DER. */
  readonly certificate: Uint8Array
  /** PKCS#8 in DER. */
  readonly key: Uint8Array
  /** Where its counter goes on; undefined without one. */
  readonly nextSerial: number | undefined
}

const text = new TextDecoder()

/** A device's record, which {@link checkMovedDevice} has accepted. */
export function readMovedDevice(data: Uint8Array): MovedDevice {
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
