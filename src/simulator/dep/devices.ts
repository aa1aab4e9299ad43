/** The devices of the organisation: their records, and what the people at the portal do with them. */
import { HARDWARE } from '../device/platforms.ts'
import type { Platform } from '../../apple/platform.ts'
import type { DepService } from './service.ts'
import {
  type AbmDevice,
  type AbmServer,
  appleTime,
  type DeviceOp,
  type FullRecord,
  type ProfileOfDevice,
} from './state.ts'

const EMPTY: ProfileOfDevice = { uuid: '', status: 'empty' }

/** The names that Apple's service has for platforms. */
const FAMILIES: Readonly<Record<Platform, { readonly os: string; readonly family: string }>> = {
  macOS: { os: 'OSX', family: 'Mac' },
  iOS: { os: 'iOS', family: 'iPhone' },
  iPadOS: { os: 'iPadOS', family: 'iPad' },
  tvOS: { os: 'tvOS', family: 'AppleTV' },
  watchOS: { os: 'watchOS', family: 'Watch' },
  visionOS: { os: 'visionOS', family: 'Vision' },
}

const BY_MODEL: readonly (readonly [RegExp, Platform])[] = [
  [/ipad/i, 'iPadOS'],
  [/iphone|ipod/i, 'iOS'],
  [/tv/i, 'tvOS'],
  [/watch/i, 'watchOS'],
  [/vision/i, 'visionOS'],
]

/** The platform of a model's name; a Mac unless it says otherwise. */
export function platformOfModel(model: string): Platform {
  return BY_MODEL.find(([name]) => name.test(model))?.[1] ?? 'macOS'
}

/** A device as a person or a reseller adds it. Further keys go into its record as they are. */
export interface NewAbmDevice {
  readonly serial_number: string
  readonly model?: string
  readonly [key: string]: unknown
}

export function addAbmDevice(
  service: DepService,
  server: AbmServer,
  facts: NewAbmDevice,
): AbmDevice {
  const { serial_number: serial, ...rest } = facts
  const model = facts.model ?? HARDWARE.macOS.modelName
  const { os, family } = FAMILIES[platformOfModel(model)]
  const device: AbmDevice = {
    serial,
    server: server.uuid,
    knownTo: [server.uuid],
    facts: {
      model,
      description: model.toUpperCase(),
      color: 'SILVER',
      asset_tag: '',
      os,
      device_family: family,
      ...rest,
    },
    assignedAt: service.now(),
    profile: EMPTY,
    hidden: false,
    lock: '',
  }
  service.state.devices[serial] = device
  noteOp(service, device, 'added')
  return device
}

export function modifyAbmDevice(
  service: DepService,
  serial: string,
  facts: Readonly<Record<string, unknown>>,
): void {
  const device = abmDevice(service, serial)
  device.facts = { ...device.facts, ...facts }
  noteOp(service, device, 'modified')
}

/** Takes it from its server: at the portal, or by disowning it. */
export function removeAbmDevice(service: DepService, serial: string): void {
  const device = abmDevice(service, serial)
  noteOp(service, device, 'deleted')
  device.server = ''
  device.profile = device.profile.uuid === '' ? EMPTY : { ...device.profile, status: 'removed' }
}

/**
 * Assigns a device to a server. For one that had it before, or when `as` says so, it comes as `modified`,
 * with `removed` and the UUID of its earlier profile, as customers have seen it.
 */
export function moveAbmDevice(
  service: DepService,
  serial: string,
  server: AbmServer,
  as?: 'added' | 'modified',
): void {
  const device = abmDevice(service, serial)
  if (device.server !== '') {
    removeAbmDevice(service, serial)
  }
  const isBack = device.knownTo.includes(server.uuid)
  device.server = server.uuid
  device.assignedAt = service.now()
  device.knownTo.push(server.uuid)
  noteOp(service, device, as ?? (isBack ? 'modified' : 'added'))
}

/** Apple sends another device for a broken one. */
export function replaceAbmDevice(service: DepService, serial: string, by: string): void {
  const old = abmDevice(service, serial)
  const server = service.state.servers[old.server]
  if (!server) {
    throw new Error(`${serial} is on no server`)
  }
  old.facts = { ...old.facts, released_by_replacement: true }
  const { released_by_replacement: _released, ...facts } = old.facts
  removeAbmDevice(service, serial)
  addAbmDevice(service, server, {
    ...facts,
    serial_number: by,
    is_replacement_device: true,
    original_serial_number: serial,
  })
}

/** @throws Error for a serial number that was never added: a mistake of the test. */
export function abmDevice({ state }: DepService, serial: string): AbmDevice {
  const device = state.devices[serial]
  if (!device) {
    throw new Error(`no device ${serial} was added`)
  }
  return device
}

export function setProfile(service: DepService, device: AbmDevice, next: ProfileOfDevice): void {
  device.profile = next
  noteOp(service, device, 'modified')
}

/** Adds a change to the stream of the device's server. The changes of throttled devices are missing. */
function noteOp(service: DepService, device: AbmDevice, type: DeviceOp['type']): void {
  if (!device.hidden) {
    const op = { type, at: service.now(), record: recordOf(device) }
    service.state.servers[device.server]?.ops.push(op)
  }
}

/** The record with the fields of all versions. */
export function recordOf({ serial, facts, assignedAt, profile }: AbmDevice): FullRecord {
  const { original_serial_number: _original, ...shown } = facts
  const { uuid, status, assignedAt: since, pushedAt } = profile
  return {
    serial_number: serial,
    ...shown,
    device_assigned_by: 'admin@example.com',
    device_assigned_date: appleTime(assignedAt),
    profile_status: status,
    ...(uuid === '' ? {} : { profile_uuid: uuid }),
    ...(since === undefined ? {} : { profile_assign_time: appleTime(since) }),
    ...(pushedAt === undefined ? {} : { profile_push_time: appleTime(pushedAt) }),
  }
}

/** The first version of `X-Server-Protocol-Version` that shows a field. */
const SINCE: Readonly<Record<string, number>> = {
  os: 2,
  device_family: 2,
  mdm_migration_deadline: 8,
  imei: 10,
  meid: 10,
  eid: 10,
  wifi_mac_address: 10,
  bluetooth_mac_address: 10,
  ethernet_mac_address: 10,
  is_replacement_device: 10,
  released_by_replacement: 10,
}
const IPADOS_SINCE = 7

/** What a client of that protocol version sees of a record. */
export function asOfVersion(record: FullRecord, version: number): Record<string, unknown> {
  const shown = Object.entries(record).filter(([key]) => version >= (SINCE[key] ?? 1))
  return Object.fromEntries(
    shown.map(([key, value]) =>
      key === 'os' && value === 'iPadOS' && version < IPADOS_SINCE ? [key, 'iOS'] : [key, value],
    ),
  )
}
