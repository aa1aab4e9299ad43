/**
 * Devices against the real server: honest ones, and a hostile one. The hostile one has a real identity,
 * which the server's own SCEP gave it, and sends any message, with any ids, to any route, correctly signed.
 */
import { randomBytes } from 'node:crypto'
import { buildBinary } from 'plist'
import { profileUrl } from '../../src/cli/simulate/fleet.ts'
import type { PlistDict } from '../../src/plist/value.ts'
import { writePlist } from '../../src/plist/write.ts'
import {
  createSimulatedDevice,
  type DeviceOptions,
  type SimulatedDevice,
} from '../../src/simulator/device/device.ts'
import { type SimulatedIdentity, newKey } from '../../src/simulator/device/identity.ts'
import { type Joined, joinByProfile } from '../../src/simulator/device/joining.ts'
import { newSerial, newUdid } from '../../src/simulator/device/platforms.ts'
import { authenticate, IDLE, tokenUpdate } from '../devices/messages.ts'
import { type Signer, signatureOf } from '../devices/signature.ts'
import { fetchAlone } from '../e2e/server.ts'

/** A server, and what opens its enrolment profile. */
export interface Site {
  readonly url: string
  readonly token: string
}

export interface Answer {
  readonly status: number
  readonly text: string
}

/** One key for all: an RSA key costs some 80 ms. Each identity has its own certificate. */
export const KEY = newKey('rsa')

export const newId = (): string => newUdid('macOS', randomBytes)

/** Downloads the enrolment profile and gets an identity by SCEP; nothing is enrolled yet. */
export function join(site: Site, name = newId()): Promise<Joined> {
  const options = { fetch: fetchAlone, server: site.url }
  return joinByProfile({ ...options, profileUrl: profileUrl(site.url, site.token) })({
    name,
    key: KEY,
  })
}

type Honest = Partial<Omit<DeviceOptions, 'fetch'>>

/** A device as Apple makes them, with an identity; `enroll` is still to be called. */
export async function honestDevice(site: Site, options: Honest = {}): Promise<SimulatedDevice> {
  const { serverUrl, checkInUrl = serverUrl, topic, identity } = await join(site)
  return createSimulatedDevice({
    fetch: fetchAlone,
    serverUrl,
    checkInUrl,
    topic,
    identity,
    platform: 'macOS',
    udid: newId(),
    serial: newSerial(randomBytes),
    ...options,
  })
}

/** The same, enrolled. */
export async function enrolled(site: Site, options: Honest = {}): Promise<SimulatedDevice> {
  const device = await honestDevice(site, options)
  const { status } = await device.enroll()
  if (status !== 200) {
    throw new Error(`an honest device could not enrol: ${status}`)
  }
  return device
}

export interface HostileDevice {
  readonly udid: string
  readonly identity: SimulatedIdentity
  readonly topic: string
  /** Signs a message of any ids and sends it. */
  send(message: PlistDict | Uint8Array, path?: string): Promise<Answer>
  /** Each kind of message under these ids, one after the other. */
  sendAll(ids: PlistDict, more?: PlistDict): Promise<Answer[]>
}

/** A hostile device that has an identity and is not enrolled. */
export async function stranded(site: Site): Promise<HostileDevice> {
  const { identity, topic } = await join(site)
  const udid = newId()

  function send(message: PlistDict | Uint8Array, path?: string): Promise<Answer> {
    const body = message instanceof Uint8Array ? message : writePlist(message)
    const checksIn = message instanceof Uint8Array || message['MessageType'] !== undefined
    return put(site.url + (path ?? (checksIn ? '/mdm/checkin' : '/mdm/connect')), identity, body)
  }

  async function sendAll(ids: PlistDict, more: PlistDict = {}): Promise<Answer[]> {
    const answers: Answer[] = []
    for (const message of messages(topic)) {
      answers.push(await send({ ...message, ...more, ...ids }))
    }
    return answers
  }

  return { udid, identity, topic, send, sendAll }
}

/** A hostile device that is enrolled as itself. */
export async function hostileDevice(site: Site): Promise<HostileDevice> {
  const device = await stranded(site)
  const ids = { UDID: device.udid }
  for (const message of [newAuthenticate(device.topic), newTokenUpdate(device.topic)]) {
    const { status } = await device.send({ ...message, ...ids })
    if (status !== 200) {
      throw new Error(`a hostile device could not enrol as itself: ${status}`)
    }
  }
  return device
}

/** A signed PUT. */
export async function put(url: string, identity: Signer, body: Uint8Array): Promise<Answer> {
  const response = await fetchAlone(url, {
    method: 'PUT',
    headers: signatureOf(identity, body),
    body: new Uint8Array(body),
  })
  return { status: response.status, text: await response.text() }
}

export const newAuthenticate = (topic: string): PlistDict =>
  authenticate(topic, { SerialNumber: newSerial(randomBytes), ProductName: 'Mac15,6' })

export const newTokenUpdate = (topic: string, fields: PlistDict = {}): PlistDict =>
  tokenUpdate(topic, { Token: new Uint8Array(randomBytes(32)), PushMagic: newId(), ...fields })

/** Every kind of message but Authenticate, which makes another enrolment, and CheckOut, which ends one. */
function messages(topic: string): PlistDict[] {
  return [
    IDLE,
    newTokenUpdate(topic),
    IDLE,
    ...['Acknowledged', 'Error', 'NotNow', 'CommandFormatError', 'Nonsense'].map((Status) => ({
      Status,
      CommandUUID: newId(),
    })),
    { MessageType: 'GetBootstrapToken' },
    { MessageType: 'SetBootstrapToken', BootstrapToken: new Uint8Array(randomBytes(16)) },
    { MessageType: 'GetToken', TokenServiceType: 'com.apple.maid' },
    { MessageType: 'UserAuthenticate' },
    { MessageType: 'DeclarativeManagement', Endpoint: 'tokens' },
    IDLE,
  ]
}

/** A message that XML cannot hold: binary property lists take any UTF-16. */
export function binaryPlist(message: Readonly<Record<string, string | Uint8Array>>): Uint8Array {
  return new Uint8Array(buildBinary({ ...message }))
}
