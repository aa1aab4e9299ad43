/** Writes a file as MicroMDM 1.13.1 leaves it, from a plan. All that a plan leaves out is made up from ids. */
import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { DeviceFacts } from '../../../src/mdm/message.ts'
import { createAuthority } from '../../../src/pki/x509/authority.ts'
import { readCertificate } from '../../../src/pki/x509/certificate.ts'
import { type BoltContent, type BoltLayout, writeBolt } from './bolt-file.ts'
import { bytesField, message } from './protobuf.ts'

export interface FleetPlan {
  readonly devices?: readonly PlannedDevice[]
  /** BYOD devices, which MicroMDM knows by a push token and a queue alone. */
  readonly enrollments?: readonly PlannedEnrollment[]
  /** Serial numbers that are known from Apple's device enrolment service alone. */
  readonly depDevices?: readonly string[]
  /** Short names of accounts that are made at enrolment. */
  readonly accounts?: readonly string[]
  /** The CA; one that is made up, or `false` for none. */
  readonly authority?: PlannedAuthority | false
  /** Certificates in the depot beside those of devices. */
  readonly certificates?: readonly Uint8Array[]
  /** PEM. */
  readonly pushCertificate?: { readonly certificate: string; readonly key: string }
  /** Identifier → mobileconfig. */
  readonly profiles?: Readonly<Record<string, string>>
  readonly blueprints?: readonly PlannedBlueprint[]
  readonly challenges?: readonly string[]
  /** Consumer key → JSON. The last one is the newest. */
  readonly depTokens?: Readonly<Record<string, string>>
  readonly depCursor?: string
  /** Filter → UUID of a profile. */
  readonly autoAssigners?: Readonly<Record<string, string>>
  /** Values that are added, or put in place of those of the plan: bucket → key → value; `undefined` deletes. */
  readonly raw?: Readonly<Record<string, Readonly<Record<string, string | Uint8Array | undefined>>>>
  /** Buckets that the file lacks. */
  readonly without?: readonly string[]
}

export interface PlannedBlueprint {
  readonly name: string
  readonly manifests?: readonly string[]
  readonly profiles?: readonly string[]
  readonly users?: readonly string[]
  readonly skipsPrimary?: boolean
}

export interface PlannedAuthority {
  /** DER. */
  readonly certificate: Uint8Array
  readonly key: KeyObject
  readonly nextSerial?: number
}

export interface PlannedDevice extends PlannedChannel {
  readonly udid: string
  readonly facts?: Partial<DeviceFacts>
  /** `false`: an admin removed the device. */
  readonly hasRecord?: boolean
  readonly isEnrolled?: boolean
  readonly isBlocked?: boolean
  /** DER. Its hash is bound, and it is in the depot. */
  readonly certificate?: Uint8Array
  /** Without a certificate: the hash that is bound, or `false`. */
  readonly fingerprint?: string | false
  readonly unlockToken?: Uint8Array
  readonly bootstrapToken?: Uint8Array
  readonly isAwaitingConfiguration?: boolean
  /** Milliseconds since 1970. */
  readonly lastSeen?: number
  readonly users?: readonly PlannedUser[]
}

export interface PlannedChannel {
  /** `false`: the device has never sent a TokenUpdate. */
  readonly push?: Partial<PlannedPush> | false
  readonly commands?: readonly PlannedCommand[]
  readonly notNow?: readonly PlannedCommand[]
  readonly completed?: readonly PlannedCommand[]
  readonly failed?: readonly PlannedCommand[]
}

export interface PlannedPush {
  readonly token: Uint8Array
  readonly magic: string
  readonly topic: string
}

export interface PlannedUser extends PlannedChannel {
  readonly userId: string
  readonly shortName?: string
}

export interface PlannedEnrollment extends PlannedChannel {
  readonly id: string
}

/** A CommandUUID, or with a payload of its own. */
export type PlannedCommand =
  | string
  | { readonly uuid: string; readonly payload: Uint8Array | string }

export const TOPIC = 'com.apple.mgmt.External.00000000-0000-4000-8000-000000000000'

type Values = Map<string, string | Uint8Array>

/** Writes the file, with all buckets that MicroMDM makes when it starts. */
export function writeMicroMdm(plan: FleetPlan, layout?: BoltLayout): Buffer {
  const buckets: Record<string, Values> = {
    ...deviceBuckets(plan),
    ...serverBuckets(plan),
    scep_certificates: depotBucket(plan),
  }
  for (const [bucket, values] of Object.entries(plan.raw ?? {})) {
    for (const [key, value] of Object.entries(values)) {
      const entries = (buckets[bucket] ??= new Map())
      if (value === undefined) entries.delete(key)
      else entries.set(key, value)
    }
  }
  const content: BoltContent = {
    buckets: Object.fromEntries(
      Object.entries(buckets)
        .filter(([name]) => plan.without?.includes(name) !== true)
        .map(([name, entries]) => [name, { entries }]),
    ),
  }
  return writeBolt(content, layout)
}

/** A plan for many devices; `more` adds to the n-th one. */
export function plannedDevices(
  count: number,
  more: (n: number, udid: string) => Partial<PlannedDevice> = () => ({}),
): PlannedDevice[] {
  return Array.from({ length: count }, (_, n) => {
    const udid = uuidOf(`device ${n}`)
    return { udid, ...more(n, udid) }
  })
}

/** The UUID that stands for a name in plans, always the same. */
export function uuidOf(name: string): string {
  const hex = digest(name).toString('hex').toUpperCase()
  return [8, 4, 4, 4, 12].map((length, n) => hex.slice(n * 12, n * 12 + length)).join('-')
}

/** The key in mdm.Devices of a UDID, or of the serial number of a device without one. */
export function deviceKeyOf(id: string): string {
  return uuidOf(`record of ${id}`).toLowerCase()
}

/** The key in mdm.Users. */
export function userKeyOf(udid: string, userId: string): string {
  return uuidOf(`user ${userId} of ${udid}`).toLowerCase()
}

/** The push values of an id whose plan says nothing of them. */
export function pushOf(id: string, { push }: PlannedChannel = {}): PlannedPush {
  return { token: digest(`token ${id}`), magic: `MAGIC-${id}`, topic: TOPIC, ...push }
}

/** The hash that is bound to a UDID whose plan says nothing of it. */
export function fingerprintOf({ udid, certificate, fingerprint }: PlannedDevice): string {
  return certificate
    ? digest(certificate).toString('hex')
    : fingerprint || digest(`identity ${udid}`).toString('hex')
}

/** The payload of a command whose plan says nothing of it. */
export function payloadOf(command: PlannedCommand): Uint8Array {
  return Buffer.from(
    typeof command !== 'string'
      ? command.payload
      : '<?xml version="1.0" encoding="UTF-8"?>\n<plist version="1.0"><dict><key>Command</key><dict>' +
          '<key>RequestType</key><string>DeviceInformation</string></dict>' +
          `<key>CommandUUID</key><string>${command}</string></dict></plist>\n`,
  )
}

function digest(of: string | Uint8Array): Buffer {
  return createHash('sha256').update(of).digest()
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

function deviceBuckets({
  devices = [],
  enrollments = [],
  depDevices = [],
  accounts = [],
}: FleetPlan): Record<string, Values> {
  const records: Values = new Map()
  const index: Values = new Map()
  const push: Values = new Map()
  const queues: Values = new Map()
  const bindings: Values = new Map()
  const users: Values = new Map()
  const userIndex: Values = new Map()
  const blocked: Values = new Map()
  const addChannel = (key: string, channel: PlannedChannel): void => {
    if (channel.push !== false) {
      push.set(key, pushRecord(key, pushOf(key, channel)))
    }
    const { commands, notNow, completed, failed } = channel
    if (commands ?? notNow ?? completed ?? failed) {
      queues.set(key, queueRecord(key, channel))
    }
  }
  for (const device of devices) {
    const { udid, hasRecord = true, fingerprint, facts } = device
    if (hasRecord) {
      const uuid = deviceKeyOf(udid)
      const serial = facts?.SerialNumber ?? serialOf(udid)
      records.set(uuid, deviceRecord(uuid, serial, device))
      index.set(udid, uuid).set(serial, uuid)
    }
    addChannel(udid, device)
    if (fingerprint !== false) {
      bindings.set(udid, Buffer.from(fingerprintOf(device), 'hex'))
    }
    if (device.isBlocked === true) {
      blocked.set(udid, message([1, udid]))
    }
    for (const user of device.users ?? []) {
      const uuid = userKeyOf(udid, user.userId)
      users.set(uuid, userRecord(uuid, udid, user))
      userIndex.set(udid, uuid).set(user.userId, uuid)
      addChannel(user.userId, user)
    }
  }
  for (const enrollment of enrollments) {
    addChannel(enrollment.id, enrollment)
  }
  for (const serial of depDevices) {
    const uuid = deviceKeyOf(serial)
    records.set(uuid, message([1, uuid], [3, serial], [22, 'assigned']))
    index.set(serial, uuid)
  }
  for (const name of accounts) {
    const uuid = uuidOf(`account ${name}`)
    users.set(uuid, message([1, uuid], [4, name], [7, '<plist/>'], [8, true]))
  }
  return {
    'mdm.Devices': records,
    'mdm.DeviceIdx': index,
    'mdm.PushInfo': push,
    'mdm.DeviceCommands': queues,
    'mdm.UDIDCertAuth': bindings,
    'mdm.Users': users,
    'mdm.UserIdx': userIndex,
    'mdm.RemoveDevice': blocked,
  }
}

/** The serial number of a UDID whose plan says nothing of it. */
export function serialOf(udid: string): string {
  return `C0${udid.replaceAll('-', '').slice(0, 10)}`
}

function deviceRecord(uuid: string, serial: string, device: PlannedDevice): Buffer {
  const { udid, facts = {}, isEnrolled = true, lastSeen = 0 } = device
  const push = device.push === false ? undefined : pushOf(udid, device)
  return message(
    [1, uuid],
    [2, udid],
    [3, serial],
    [4, facts.OSVersion],
    [5, facts.BuildVersion],
    [6, facts.ProductName],
    [7, facts.IMEI],
    [8, facts.MEID],
    [9, push && hex(push.token)],
    [10, push?.magic],
    [12, device.unlockToken && hex(device.unlockToken)],
    [13, isEnrolled],
    [14, device.isAwaitingConfiguration],
    [15, facts.DeviceName],
    [16, facts.Model],
    [17, facts.ModelName],
    [28, BigInt(lastSeen) * 1_000_000n],
    [30, device.bootstrapToken],
  )
}

export function pushRecord(key: string, { token, magic, topic }: PlannedPush): Buffer {
  return message([1, key], [2, hex(token)], [3, magic], [4, topic])
}

export function userRecord(uuid: string, udid: string, user: PlannedUser): Buffer {
  const { userId, shortName = 'jane' } = user
  const token = hex(pushOf(userId, user).token)
  return message([1, uuid], [2, udid], [3, userId], [4, shortName], [5, 'Jane Doe'], [6, token])
}

export function queueRecord(key: string, channel: PlannedChannel): Buffer {
  const { commands = [], completed = [], failed = [], notNow = [] } = channel
  const lists = [commands, completed, failed, notNow]
  return Buffer.concat([
    message([1, key]),
    ...lists.flatMap((list, n) => list.map((one) => bytesField(n + 2, commandRecord(one)))),
  ])
}

/** Nanoseconds of Go's zero time, beyond what 64 bits hold. */
const NO_TIME = -6_795_364_578_871_345_152n

function commandRecord(command: PlannedCommand): Buffer {
  const uuid = typeof command === 'string' ? command : command.uuid
  return message([1, uuid], [2, payloadOf(command)], [3, NO_TIME], [4, NO_TIME], [5, NO_TIME])
}

let madeUp: PlannedAuthority | undefined

/** The CA of plans that name none. Its key takes a while to make. */
function authorityMadeUp(): PlannedAuthority {
  if (madeUp === undefined) {
    const { privateKey: key } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    madeUp = { certificate: createAuthority(key, Date.UTC(2026, 0)).certificate.der, key }
  }
  return madeUp
}

function depotBucket({ authority, devices = [], certificates = [] }: FleetPlan): Values {
  const own: Values = new Map()
  if (authority !== false) {
    const { certificate, key, nextSerial = 1_000_000 } = authority ?? authorityMadeUp()
    own.set('ca_certificate', certificate)
    own.set('ca_key', key.export({ type: 'pkcs1', format: 'der' }))
    own.set('serial', bigEndian(nextSerial))
  }
  const issued = [...devices.flatMap((device) => device.certificate ?? []), ...certificates]
  for (const der of issued) {
    const { commonName, serial } = readCertificate(der)
    own.set(`${commonName ?? ''}.${BigInt(`0x${serial}`)}`, der)
  }
  return own
}

function bigEndian(number: number): Buffer {
  const digits = number.toString(16)
  return Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex')
}

function serverBuckets(plan: FleetPlan): Record<string, Values> {
  const { pushCertificate, profiles = {}, blueprints = [], challenges, depTokens, depCursor } = plan
  const newest = Object.keys(depTokens ?? {}).at(-1)
  const named = blueprints.map((one) => [uuidOf(`blueprint ${one.name}`), one] as const)
  const config =
    pushCertificate && message([1, pushCertificate.certificate], [2, pushCertificate.key])
  return {
    'mdm.ServerConfig': new Map(config ? [['config', config]] : []),
    'mdm.Profile': new Map(
      Object.entries(profiles).map(([id, text]) => [id, message([1, id], [2, text])]),
    ),
    'mdm.Blueprint': new Map(named.map(([uuid, one]) => [uuid, blueprintRecord(uuid, one)])),
    'mdm.BlueprintIdx': new Map(named.map(([uuid, { name }]) => [name, uuid])),
    'mdm.DEPConfig': new Map(depCursor === undefined ? [] : [['configuration', depCursor]]),
    'mdm.DEPAutoAssign': new Map(Object.entries(plan.autoAssigners ?? {})),
    // The two that MicroMDM makes when it first needs them.
    ...(depTokens && {
      'mdm.DEPToken': new Map([
        ...Object.entries(depTokens),
        ...(newest === undefined ? [] : [['last_added', newest] as const]),
      ]),
    }),
    ...(challenges && { scep_challenges: new Map(challenges.map((one) => [one, one])) }),
  }
}

function blueprintRecord(uuid: string, blueprint: PlannedBlueprint): Buffer {
  const { name, manifests = [], profiles = [], users = [], skipsPrimary } = blueprint
  const texts = (number: number, all: readonly string[]) =>
    all.map((text) => bytesField(number, Buffer.from(text)))
  return Buffer.concat([
    message([1, uuid], [2, name]),
    ...texts(3, manifests),
    ...texts(5, profiles),
    ...texts(6, ['Enroll']),
    ...texts(7, users),
    message([8, skipsPrimary]),
  ])
}
