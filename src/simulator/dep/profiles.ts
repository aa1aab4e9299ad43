/** Profiles: defining them, assigning them, and what a device gets that asks for its own. */
import { newUuid } from '../device/platforms.ts'
import { abmDevice, setProfile } from './devices.ts'
import { profileRefusalWord } from './profile-check.ts'
import {
  blame,
  AppleRefusal,
  type DepRequest,
  type DepService,
  isTextList,
  serialsIn,
  textIn,
} from './service.ts'
import type { AbmDevice, AbmProfile } from './state.ts'

const THROTTLED_SINCE = 9
const SECONDS_SINCE = 10

/** `POST /profile`. */
export function defineAbmProfile(service: DepService, request: DepRequest): unknown {
  const { body, server, path } = request
  const word = profileRefusalWord(body)
  if (word !== undefined) {
    throw new AppleRefusal(400, word)
  }
  const { devices: _devices, ...json } = body
  for (const key of ['url', 'configuration_web_url']) {
    const url = URL.parse(textIn(body, key))
    if (url?.protocol === 'http:' && !/^(localhost|127\.|\[::1\])/.test(url.hostname)) {
      blame(service, 'http URL in a profile', path, url.href)
    }
  }
  const { devices } = body
  const serials = isTextList(devices) && devices.length > 0 ? serialsIn(service, request) : []
  const unknown = serials.some((serial) => !ownDevice(service, request, serial))
  if (unknown && service.behaviour.unknownSerial === 'NOT_FOUND') {
    throw new AppleRefusal(400, 'NOT_FOUND')
  }
  const uuid = newUuid(service.random)
  service.state.profiles[uuid] = { uuid, server: server.uuid, json }
  return { profile_uuid: uuid, ...assignTo(service, request, uuid, serials) }
}

/** `GET /profile`. */
export function readProfileOf(service: DepService, request: DepRequest): unknown {
  const uuid = request.query.get('profile_uuid') ?? ''
  if (uuid === '') {
    throw new AppleRefusal(400, 'PROFILE_UUID_REQUIRED')
  }
  const profile = ownProfile(service, request, uuid)
  if (!profile) {
    throw new AppleRefusal(400, 'NOT_FOUND')
  }
  return { profile_uuid: uuid, ...profile.json }
}

/** `POST` and `PUT /profile/devices`. */
export function assignProfile(service: DepService, request: DepRequest): unknown {
  const uuid = textIn(request.body, 'profile_uuid')
  const serials = serialsIn(service, request)
  if (uuid === '') {
    throw new AppleRefusal(400, 'PROFILE_UUID_REQUIRED')
  }
  if (!ownProfile(service, request, uuid)) {
    throw new AppleRefusal(404, 'PROFILE_NOT_FOUND')
  }
  return { profile_uuid: uuid, ...assignTo(service, request, uuid, serials) }
}

/** `DELETE /profile/devices`. A device that has its profile keeps it until it is erased. */
export function removeProfiles(service: DepService, request: DepRequest): unknown {
  const wanted = textIn(request.body, 'profile_uuid')
  const outcomes = serialsIn(service, request).map((serial) => {
    const device = ownDevice(service, request, serial)
    if (!device) {
      return [serial, 'NOT_ACCESSIBLE']
    }
    if (wanted !== '' && device.profile.uuid !== wanted) {
      return [serial, 'FAILED']
    }
    setProfile(service, device, { uuid: '', status: 'removed' })
    return [serial, 'SUCCESS']
  })
  return { devices: Object.fromEntries(outcomes) }
}

function assignTo(
  service: DepService,
  request: DepRequest,
  uuid: string,
  serials: readonly string[],
): object {
  const devices: Record<string, string> = {}
  const waits: number[] = []
  for (const serial of serials) {
    const outcome = assignOne(service, request, uuid, serial)
    if (outcome.status !== 'omitted') {
      const isHidden = outcome.status === 'THROTTLED' && request.version < THROTTLED_SINCE
      devices[serial] = isHidden ? 'FAILED' : outcome.status
      waits.push(outcome.seconds ?? 0)
    }
  }
  const seconds = Math.max(0, ...waits)
  return {
    devices,
    ...(seconds > 0 && request.version >= SECONDS_SINCE ? { retry_after_seconds: seconds } : {}),
  }
}

function assignOne(
  service: DepService,
  request: DepRequest,
  uuid: string,
  serial: string,
): { readonly status: string; readonly seconds?: number } {
  const { outcomes, throttled } = service
  const now = service.now()
  const until = throttled.get(serial) ?? 0
  if (now < until) {
    blame(service, 'before Retry-After', request.path, serial)
    return { status: 'THROTTLED', seconds: Math.ceil((until - now) / 1000) }
  }
  const device = ownDevice(service, request, serial)
  if (device?.profile.uuid === uuid && /^(assigned|pushed)$/.test(device.profile.status)) {
    blame(service, 'assigned again', request.path, serial)
  }
  const scripted = outcomes.get(serial)
  if (scripted && scripted.times > 0) {
    scripted.times -= 1
    if (scripted.seconds !== undefined) {
      throttled.set(serial, now + scripted.seconds * 1000)
    }
    return scripted
  }
  if (!device) {
    return { status: 'NOT_ACCESSIBLE' }
  }
  setProfile(service, device, { uuid, status: 'assigned', assignedAt: now })
  service.assigned.forEach((tell) => tell(serial))
  return { status: 'SUCCESS' }
}

/** The profile that Apple gives a device in Setup Assistant, with the deadline of its migration. */
export type ActivationProfile = Readonly<Record<string, unknown>>

/**
 * A device activates and asks for its profile, which counts as `pushed` from then on. No change of the
 * stream tells of it: only the details of the device do.
 */
export function activateDevice(service: DepService, serial: string): ActivationProfile | undefined {
  const device = abmDevice(service, serial)
  const { uuid, status } = device.profile
  const profile = service.state.profiles[uuid]
  if (device.server === '' || !profile || !/^(assigned|pushed)$/.test(status)) {
    return undefined
  }
  device.profile = { ...device.profile, status: 'pushed', pushedAt: service.now() }
  const { mdm_migration_deadline: deadline } = device.facts
  return {
    profile_uuid: uuid,
    ...profile.json,
    ...(deadline === undefined ? {} : { mdm_migration_deadline: deadline }),
  }
}

function ownProfile(
  { state }: DepService,
  { server }: DepRequest,
  uuid: string,
): AbmProfile | undefined {
  const profile = state.profiles[uuid]
  return profile?.server === server.uuid ? profile : undefined
}

/** The device of that serial number, if it is on the caller's server. */
export function ownDevice(
  { state }: DepService,
  { server }: DepRequest,
  serial: string,
): AbmDevice | undefined {
  const device = state.devices[serial]
  return device?.server === server.uuid ? device : undefined
}
