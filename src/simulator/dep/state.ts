/** What the simulated device assignment service keeps: plain JSON, so that a program can store it. */
import { Buffer } from 'node:buffer'
import { newUuid, type Random } from '../device/platforms.ts'

export interface AbmState {
  /** By `server_uuid`. */
  readonly servers: Record<string, AbmServer>
  /** By serial number. */
  readonly devices: Record<string, AbmDevice>
  readonly profiles: Record<string, AbmProfile>
}

/** A device management service in Apple Business Manager: one token, one list of devices. */
export interface AbmServer {
  readonly uuid: string
  readonly name: string
  readonly consumerKey: string
  readonly consumerSecret: string
  readonly tokens: AccessToken[]
  /** PEM of the certificate that token files are made for; empty until one is uploaded. */
  certificate: string
  /** The list of changes that sync hands out. */
  readonly ops: DeviceOp[]
  /** What fetches in progress hand out, by number; the oldest ones are dropped. */
  readonly snapshots: Record<string, readonly FullRecord[]>
  /** Cursors of an earlier epoch are invalid. */
  epoch: number
  discoveryUrl: string
  /** Milliseconds; no call is welcome before. */
  retryAt: number
  /** When the last full fetch began, and whether a cursor of it still works: for the list of blame. */
  fetchedAt: number
  cursorLives: boolean
}

export interface AccessToken {
  readonly key: string
  readonly secret: string
  readonly expiresAt: number
  revoked: boolean
}

/** A device record with the fields of every protocol version. */
export type FullRecord = Readonly<Record<string, unknown>> & { readonly serial_number: string }

export interface DeviceOp {
  readonly type: 'added' | 'modified' | 'deleted'
  readonly at: number
  readonly record: FullRecord
}

export interface AbmDevice {
  readonly serial: string
  /** The server it is assigned to; empty for none. */
  server: string
  /** Servers that had it, or have it: for them it comes back as `modified`. */
  readonly knownTo: string[]
  facts: Readonly<Record<string, unknown>>
  assignedAt: number
  profile: ProfileOfDevice
  /** Apple throttles it: its changes are missing from the stream. */
  hidden: boolean
  lock: string
}

export interface ProfileOfDevice {
  readonly uuid: string
  readonly status: 'empty' | 'assigned' | 'pushed' | 'removed'
  readonly assignedAt?: number
  readonly pushedAt?: number
}

export interface AbmProfile {
  readonly uuid: string
  readonly server: string
  readonly json: Readonly<Record<string, unknown>>
}

/** The credentials of Apple's own simulator, which `micromdm serve -depsim` sends. They are public. */
const DEPSIM = {
  consumerKey:
    'CK_48dd68d198350f51258e885ce9a5c37ab7f98543c4a697323d75682a6c10a325' +
    '01cb247e3db08105db868f73f2c972bdb6ae77112aea803b9219eb52689d42e6',
  consumerSecret:
    'CS_34c7b2b531a600d99a0e4edcf4a78ded79b86ef318118c2f5bcfee1b011108c3' +
    '2d5302df801adbe29d446eb78f02b13144e323eb9aad51c79f01e50cb45c3a68',
  key:
    'AT_927696831c59ba510cfe4ec1a69e5267c19881257d4bca2906a99d0785b785a6' +
    'f6fdeb09774954fdd5e2d0ad952e3af52c6d8d2f21c924ba0caf4a031c158b89',
  secret:
    'AS_c31afd7a09691d83548489336e8ff1cb11b82b6bca13f793344496a556b1f497' +
    '2eaff4dde6deb5ac9cf076fdfa97ec97699c34d515947b9cf9ed31c99dded6ba',
} as const

const NEVER = 8.64e15

/** A new organisation with one server, which MicroMDM's `-depsim` opens too. */
export function newAbmState(random: Random): AbmState {
  const { consumerKey, consumerSecret, key, secret } = DEPSIM
  const first = newServer('Simulated MDM server', random, { consumerKey, consumerSecret })
  first.tokens.push({ key, secret, expiresAt: NEVER, revoked: false })
  return { servers: { [first.uuid]: first }, devices: {}, profiles: {} }
}

export function newServer(
  name: string,
  random: Random,
  consumer = { consumerKey: `CK_${hex(random(32))}`, consumerSecret: `CS_${hex(random(20))}` },
): AbmServer {
  return {
    uuid: newUuid(random),
    name,
    ...consumer,
    tokens: [],
    certificate: '',
    ops: [],
    snapshots: {},
    epoch: 1,
    discoveryUrl: '',
    retryAt: 0,
    fetchedAt: 0,
    cursorLives: false,
  }
}

/** A new token of the server. The earlier ones end, but for the one of `-depsim`. */
export function newAccessToken(server: AbmServer, random: Random, expiresAt: number): AccessToken {
  for (const token of server.tokens) {
    token.revoked ||= token.key !== DEPSIM.key
  }
  const token = {
    key: `AT_O${hex(random(16))}O${expiresAt}`,
    secret: `AS_${hex(random(20))}`,
    expiresAt,
    revoked: false,
  }
  server.tokens.push(token)
  return token
}

/** As Apple writes moments: RFC 3339 without fractions. */
export function appleTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
