import { Buffer } from 'node:buffer'
import type { KeyObject } from 'node:crypto'
import { writePlist } from '../../src/plist/write.ts'
import type { PlistDict } from '../../src/plist/value.ts'
import {
  createIdentity,
  type SimulatedIdentity,
  type Issuer,
} from '../../src/simulator/device/identity.ts'
import { authenticate, IDLE, tokenUpdate } from '../devices/messages.ts'
import { signatureOf } from '../devices/signature.ts'
import { requestOf } from './connection.ts'

/** A device's requests, signed before the clock runs. */
export interface SignedDevice {
  readonly udid: string
  /** DER. */
  readonly certificate: Uint8Array
  readonly requests: Readonly<Record<Step, Uint8Array>>
}

/** `command` queues a ProfileList of the CommandUUID `bench`; `done` and `inventory` acknowledge it. */
export type Step =
  | 'authenticate'
  | 'tokenUpdate'
  | 'command'
  | 'idle'
  | 'done'
  | 'inventory'
  | 'tokens'

export interface Fleet {
  readonly server: URL
  readonly apiKey: string
  readonly ca: Issuer
  /** Shared: a key costs 80 ms, and what differs between devices is the certificate. */
  readonly keys: readonly KeyObject[]
  readonly topic: string
}

export function signedDevice(
  fleet: Fleet,
  n: number,
  udid: string,
  withInventory: boolean,
): SignedDevice {
  const identity = createIdentity({ ca: fleet.ca, commonName: udid, key: keyOf(fleet, n) })
  const put = (message: PlistDict): Uint8Array => signedRequest(fleet.server, identity, message)
  const done = put({ UDID: udid, Status: 'Acknowledged', CommandUUID: 'bench', ProfileList: [] })
  return {
    udid,
    certificate: identity.certificate,
    requests: {
      authenticate: put(
        authenticate(fleet.topic, {
          UDID: udid,
          SerialNumber: udid.slice(-12),
          DeviceName: udid,
          Model: 'Mac16,1',
          ModelName: 'MacBook Pro',
          ProductName: 'Mac16,1',
          OSVersion: '26.1',
          BuildVersion: '25B78',
        }),
      ),
      tokenUpdate: put(
        tokenUpdate(fleet.topic, {
          UDID: udid,
          PushMagic: `magic-${udid}`,
          Token: Buffer.from(udid.padStart(32, '0').slice(-32)),
          AwaitingConfiguration: false,
        }),
      ),
      command: commandRequest(fleet, udid),
      idle: put({ UDID: udid, ...IDLE }),
      done,
      inventory: withInventory ? put(inventory(udid)) : done,
      tokens: put({ UDID: udid, MessageType: 'DeclarativeManagement', Endpoint: 'tokens' }),
    },
  }
}

/** The key of a device. @throws Error for a fleet without keys */
export function keyOf({ keys }: Fleet, n: number): KeyObject {
  const key = keys[n % keys.length]
  if (!key) {
    throw new Error('the fleet has no keys')
  }
  return key
}

/** A megabyte of InstalledApplicationList, as a Mac reports it. */
function inventory(udid: string): PlistDict {
  const InstalledApplicationList = Array.from({ length: 2700 }, (_, n) => ({
    Identifier: `com.example.application.number${n}`,
    Name: `Application number ${n}`,
    Version: `${n}.0.1`,
    ShortVersion: `${n}.0`,
    BundleSize: 1_000_000 + n,
    IsValidated: true,
  }))
  return { UDID: udid, Status: 'Acknowledged', CommandUUID: 'bench', InstalledApplicationList }
}

function signedRequest(server: URL, identity: SimulatedIdentity, message: PlistDict): Uint8Array {
  const body = writePlist(message)
  const path = 'MessageType' in message ? '/mdm/checkin' : '/mdm/connect'
  return requestOf(new URL(path, server), 'PUT', signatureOf(identity, body), body)
}

function commandRequest(fleet: Fleet, udid: string): Uint8Array {
  const command = { udid, request_type: 'ProfileList', command_uuid: 'bench' }
  return requestOf(
    new URL('/v1/commands', fleet.server),
    'POST',
    { authorization: `Basic ${btoa(`micromdm:${fleet.apiKey}`)}` },
    Buffer.from(JSON.stringify(command)),
  )
}
