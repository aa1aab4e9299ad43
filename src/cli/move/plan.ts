/** All that moves, as the items that the server takes. */
import { Buffer } from 'node:buffer'
import { createPrivateKey } from 'node:crypto'
import { MAX_PROFILE_BYTES } from '../../enroll/stored-profile.ts'
import type { MicroMdmFleet } from '../../migration/micromdm/fleet.ts'
import type { MovedDevice, MovedFrom } from '../../migration/moved.ts'
import { MOST, writeAuthority } from '../../migration/records.ts'
import { readCertificate } from '../../pki/x509/certificate.ts'
import type { PemPair } from '../state.ts'
import type { BoundDevices } from './bindings.ts'
import { fitDevice, type KeptBytes, type PlannedCommand, type Remark } from './fit.ts'
import { type Copy, sha256 } from './source.ts'

/** The kinds of items, in the order in which they are sent. */
export const SENT_KINDS = [
  'authority',
  'certificate',
  'profile',
  'setup_user',
  'blueprint',
  'dep_key',
  'dep_account',
  'challenge',
  'device',
  'kept',
] as const

export interface PlannedItem {
  readonly kind: (typeof SENT_KINDS)[number]
  readonly id: string
  readonly data: Uint8Array
  readonly digest: string
}

/** A file of MicroMDM's `-filerepo`: a manifest of an app, or a package that one names. */
export interface RepositoryFile {
  readonly name: string
  readonly size: number
}

export interface Repository {
  readonly folder: string
  /** In the order of their names. */
  readonly files: readonly RepositoryFile[]
  /** Folders, links, and names that the server does not take: they are not read. */
  readonly skipped: readonly string[]
}

export interface Plan {
  readonly source: MovedFrom
  readonly name: string
  readonly bytes: number
  /** SHA-256 of the copy. */
  readonly digest: string
  readonly items: readonly PlannedItem[]
  readonly devices: readonly MovedDevice[]
  readonly commands: readonly PlannedCommand[]
  readonly odd: readonly Remark[]
  readonly kept: readonly KeptBytes[]
  readonly nextSerial: number | undefined
  readonly pushCertificate: PemPair | undefined
  /** MicroMDM's file repository. */
  readonly repository: Repository | undefined
}

/** A larger one is sent in parts. */
const PART_BYTES = 8_000_000
const ID_ROOM = MOST.idCharacters - 100

export function planOfFleet(
  { name, bytes }: Copy,
  fleet: MicroMdmFleet,
  repository: Repository | undefined,
): Plan {
  const fitted = fleet.devices.map(fitDevice)
  const devices = fitted.map(({ record }) => record)
  const profiles = fleet.profiles.map(({ identifier, mobileconfig }) => ({
    kind: 'profile' as const,
    name: identifier,
    data: bytesOf(mobileconfig),
  }))
  const large = profiles.filter(({ data }) => data.length > MAX_PROFILE_BYTES)
  const kept: readonly KeptBytes[] = [
    ...fleet.kept.map(({ data, ...part }) => ({ ...part, data: bytesOf(data) })),
    ...fitted.flatMap((one) => one.kept),
    ...large,
  ]
  return {
    source: 'micromdm',
    name,
    bytes: bytes.length,
    digest: sha256(bytes),
    items: [
      ...serverItems(fleet),
      ...profiles
        .filter((profile) => !large.includes(profile))
        .map(({ name: id, data }) => itemOf('profile', id, data)),
      ...devices.map(deviceItem),
      ...keptItems(kept),
    ],
    devices,
    commands: fitted.flatMap((one) => one.commands),
    odd: [
      ...fleet.odd,
      ...fitted.flatMap((one) => one.odd),
      ...large.map(largeProfile),
      ...(repository?.skipped ?? []).map(skippedFile),
    ],
    kept,
    nextSerial: fleet.authority?.nextSerial,
    pushCertificate: fleet.pushCertificate,
    repository,
  }
}

function largeProfile({ name, data }: KeptBytes): Remark {
  const detail = `It stays as it came: ${data.length} bytes are more than ${MAX_PROFILE_BYTES}.`
  return { what: 'profile_left', about: name, detail }
}

function skippedFile(about: string): Remark {
  const detail = 'It is no file, or the server takes no such name: it is not sent.'
  return { what: 'file_skipped', about, detail }
}

/** What belongs to no device. */
function serverItems(fleet: MicroMdmFleet): PlannedItem[] {
  const { authority, certificates, challenges } = fleet
  return [
    ...(authority ? [authorityItem(authority)] : []),
    ...certificates.map((certificate) => {
      const der = bytesOf(certificate)
      return itemOf('certificate', readCertificate(der).fingerprint, der)
    }),
    ...enrolmentItems(fleet),
    ...challenges.map((text) => itemOf('challenge', sha256(text), Buffer.from(text))),
  ]
}

/** What new devices get. */
function enrolmentItems(fleet: MicroMdmFleet): PlannedItem[] {
  const { setupUsers, blueprints, depKey, depAccounts } = fleet
  return [
    ...setupUsers.map((user) => jsonItem('setup_user', user.uuid, user)),
    ...blueprints.map((blueprint) => jsonItem('blueprint', blueprint.uuid, blueprint)),
    ...(depKey
      ? [jsonItem('dep_key', depKey.serial, { certificate: depKey.certificate, key: depKey.key })]
      : []),
    ...depAccounts.map((account) => jsonItem('dep_account', account.token.consumerKey, account)),
  ]
}

function jsonItem(kind: PlannedItem['kind'], id: string, record: object): PlannedItem {
  return itemOf(kind, id, Buffer.from(JSON.stringify(record)))
}

export function planOfBindings(name: string, { devices, odd }: BoundDevices): Plan {
  const items = devices.map(deviceItem)
  return {
    source: 'nanomdm',
    name,
    bytes: items.reduce((sum, { data }) => sum + data.length, 0),
    digest: sha256(...items.map(({ digest }) => digest)),
    items,
    devices,
    odd,
    commands: [],
    kept: [],
    nextSerial: undefined,
    pushCertificate: undefined,
    repository: undefined,
  }
}

function itemOf(kind: PlannedItem['kind'], id: string, data: Uint8Array): PlannedItem {
  return { kind, id, data, digest: sha256(data) }
}

function deviceItem(record: MovedDevice): PlannedItem {
  return jsonItem('device', record.id, record)
}

function authorityItem({
  certificate,
  key,
  nextSerial,
}: NonNullable<MicroMdmFleet['authority']>): PlannedItem {
  const der = bytesOf(certificate)
  const pkcs8 = createPrivateKey({ key: bytesOf(key), format: 'der', type: 'pkcs1' }).export({
    format: 'der',
    type: 'pkcs8',
  })
  const record = writeAuthority({ certificate: der, key: pkcs8, nextSerial })
  return itemOf('authority', readCertificate(der).keyId, record)
}

/** Two of the same kind and name are told apart by a number, and so are the parts of a large one. */
function keptItems(kept: readonly KeptBytes[]): PlannedItem[] {
  const names = new Map<string, number>()
  return kept.flatMap(({ kind, name, data }) => {
    const place = `${kind}/${name}`.replaceAll(/[\p{Cc}\p{Cs}]/gu, '\ufffd')
    // The API takes names of some length.
    const short = place.length > ID_ROOM ? `${place.slice(0, ID_ROOM)} ${sha256(place)}` : place
    return partsOf(data).map((part) => {
      const number = (names.get(short) ?? 0) + 1
      names.set(short, number)
      return itemOf('kept', number === 1 ? short : `${short} ${number}`, part)
    })
  })
}

function partsOf(data: Uint8Array): Uint8Array[] {
  const count = Math.max(1, Math.ceil(data.length / PART_BYTES))
  return Array.from({ length: count }, (_, n) =>
    data.subarray(n * PART_BYTES, (n + 1) * PART_BYTES),
  )
}

function bytesOf(base64: string): Buffer {
  return Buffer.from(base64, 'base64')
}
