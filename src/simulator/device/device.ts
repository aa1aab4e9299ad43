import { randomBytes } from 'node:crypto'
import type { Platform } from '../../apple/platform.ts'
import { SHARED_IPAD_USER_ID } from '../../mdm/enrollment.ts'
import type { Digest } from '../../pki/asn1/oids.ts'
import { asDict, bytesAt } from '../../plist/dict.ts'
import { readPlist } from '../../plist/read.ts'
import type { PlistDict } from '../../plist/value.ts'
import { type Reactions, responder } from './answers/respond.ts'
import {
  type SimulatedChannel,
  type ChannelOptions,
  createChannel,
  type PushIdentity,
} from './channel.ts'
import { createDeclaring, type DeclarativeChoices } from './declarations/of-device.ts'
import type { EnrollmentProfile, ScepClient } from './enrolment.ts'
import type { SimulatedIdentity } from './identity.ts'
import { DEFAULT_RELEASE, type OperatingSystem, operatingSystem, versionIn } from './os.ts'
import { HARDWARE, PLATFORMS_WITH_PASSCODE, type Random } from './platforms.ts'
import { createManagement } from './renewal.ts'
import { createSetup, NOT_HELD, type SetupAssistant, type SetupMemory } from './setup.ts'
import {
  createWire,
  type ServerAnswer,
  type Fetch,
  isDelivered,
  type ManagementState,
  type Wire,
} from './wire.ts'

export interface DeviceOptions extends Reactions, DeclarativeChoices {
  readonly fetch: Fetch
  readonly serverUrl: string
  /** Without it check-ins go to `serverUrl`, as in profiles that name only that. */
  readonly checkInUrl?: string
  readonly identity: SimulatedIdentity
  readonly platform: Platform
  /** Without it the current version. */
  readonly osVersion?: string
  readonly udid: string
  readonly serial: string
  readonly topic: string
  readonly name?: string
  readonly clock?: () => Date
  readonly random?: Random
  /** A User Enrollment: the device sends this EnrollmentID and neither UDID nor serial number. */
  readonly userEnrollment?: { readonly enrollmentId: string }
  readonly sharedIPad?: boolean
  readonly digest?: Digest
  /** Called with token and magic before the server gets them, so that no push comes too early. */
  readonly beforeTokenUpdate?: (channel: SimulatedChannel) => void
  /** How many messages and commands each channel keeps; without it all of them. */
  readonly history?: number
  /** The profile that it enrols with. Pushed profiles may replace it. */
  readonly profile?: EnrollmentProfile
  /**
   * How it gets a new identity when such a profile is pushed. Without it, by the global fetch and with
   * fresh keys.
   */
  readonly scep?: ScepClient
  /** Continues a device instead of starting a new one. */
  readonly push?: PushIdentity
  readonly state?: ManagementState
  /** Whether Setup Assistant holds it, as `await_device_configured` says. */
  readonly setup?: SetupMemory
}

export interface User {
  /** UserID of a Mac's user, EnrollmentUserID under User Enrollment; a Shared iPad sends a constant. */
  readonly userId: string
  readonly shortName: string
  readonly longName?: string
}

export interface SimulatedDevice extends SimulatedChannel {
  readonly platform: Platform
  readonly osVersion: string
  readonly udid: string
  readonly serial: string
  readonly name: string
  state(): ManagementState
  authenticate(): Promise<ServerAnswer>
  /** Sends Authenticate and, when that was accepted, TokenUpdate. Returns the delivery that decided. */
  enroll(): Promise<ServerAnswer>
  /** Null deletes the escrowed token, as a message without one does. */
  setBootstrapToken(token: Uint8Array | null): Promise<ServerAnswer>
  getBootstrapToken(): Promise<ServerAnswer & { readonly token: Uint8Array | undefined }>
  userChannel(user: User): SimulatedChannel
  /** Continues with another certificate, as after a renewal. */
  useIdentity(identity: SimulatedIdentity): void
  identity(): SimulatedIdentity
  /** The enrolment profile that it has, if it enrolled by one or got one since. */
  enrollmentProfile(): EnrollmentProfile | undefined
  setup(): SetupMemory
}

/** @throws Error for an `osVersion` that does not exist */
export function createSimulatedDevice(options: DeviceOptions): SimulatedDevice {
  const { platform, udid, serial, topic, random = newBytes } = options
  const name = options.name ?? `${HARDWARE[platform].modelName} ${serial}`
  const wire = wireOf(options)
  const setup = createSetup(options.setup ?? NOT_HELD)
  const declaring = createDeclaring(options, wire, (osVersion) => {
    Object.assign(channel, { osVersion })
  })
  const management = createManagement({
    wire,
    name,
    profile: options.profile,
    scep: options.scep ?? { fetch },
    installed: () => channel.installed,
    enroll: () => own.renew(),
  })
  const common = {
    wire,
    topic,
    random,
    respond: responder({
      ...options,
      setup,
      os: () => wire.os,
      name,
      identity: () => wire.identity,
      renew: (pushed) => management.renew(pushed),
      wipe: declaring.forget,
    }),
    declare: declaring.declare,
    applied: options.applied,
    beforeTokenUpdate: options.beforeTokenUpdate,
    history: options.history ?? Number.POSITIVE_INFINITY,
  }
  const channel = createChannel({ ...common, ...deviceIdentity(options), push: options.push })
  if (options.profile) {
    channel.installed.profiles.set(options.profile.identifier, options.profile.profile)
  }
  const own = checkIns(options, channel, wire, { name, random, setup, forget: declaring.forget })
  return Object.assign(channel, {
    platform,
    osVersion: wire.os.version,
    udid,
    serial,
    name,
    state: () => wire.state,
    ...own,
    userChannel: (user: User) =>
      createChannel({ ...common, ...userIdentity(options, channel, user), push: undefined }),
    useIdentity(identity: SimulatedIdentity) {
      wire.identity = identity
    },
    identity: () => wire.identity,
    enrollmentProfile: () => management.profile(),
    setup: () => setup.memory(),
  })
}

/** @throws Error for an `osVersion` that does not exist */
function wireOf(options: DeviceOptions): Wire {
  const { platform, osVersion = versionIn(DEFAULT_RELEASE, platform), profile } = options
  return createWire({
    fetch: options.fetch,
    serverUrl: options.serverUrl,
    checkInUrl: options.checkInUrl,
    publicOrigin: profile && new URL(profile.serverUrl).origin,
    identity: options.identity,
    digest: options.digest ?? 'sha256',
    os: operatingSystem(platform, osVersion),
    state: options.state ?? 'new',
  })
}

/** Node's Buffer is a Uint8Array that compares and prints differently. */
function newBytes(length: number): Uint8Array {
  return new Uint8Array(randomBytes(length))
}

/** The messages that only a device channel sends. */
function checkIns(
  options: DeviceOptions,
  channel: SimulatedChannel,
  wire: Wire,
  own: {
    readonly name: string
    readonly random: Random
    readonly setup: SetupAssistant
    readonly forget: () => void
  },
) {
  function begin(): Promise<ServerAnswer> {
    wire.state = 'new'
    channel.reset()
    return channel.checkIn('Authenticate', authenticateKeys(options, own.name, wire.os))
  }

  function authenticate(): Promise<ServerAnswer> {
    own.forget()
    return begin()
  }

  function enroll(): Promise<ServerAnswer> {
    own.forget()
    return renew()
  }

  /** A renewal keeps the declarations, an enrolment does not. */
  async function renew(): Promise<ServerAnswer> {
    const authenticated = await begin()
    if (!isDelivered(authenticated)) {
      return authenticated
    }
    const unlocks =
      PLATFORMS_WITH_PASSCODE.has(options.platform) &&
      options.userEnrollment === undefined &&
      options.sharedIPad !== true
    const updated = await channel.tokenUpdate({
      ...(unlocks ? { unlockToken: own.random(1024) } : {}),
      ...(own.setup.memory().phase === 'awaiting' ? { awaitingConfiguration: true } : {}),
    })
    // A push may have come in between, and its session may have ended the management.
    if (isDelivered(updated) && wire.state === 'new') {
      wire.state = 'enrolled'
    }
    return updated
  }

  function setBootstrapToken(token: Uint8Array | null): Promise<ServerAnswer> {
    return channel.checkIn('SetBootstrapToken', token === null ? {} : { BootstrapToken: token })
  }

  async function getBootstrapToken() {
    const delivery = await channel.checkIn('GetBootstrapToken')
    const empty = !isDelivered(delivery) || delivery.body.length === 0
    const token = empty ? undefined : bytesAt(asDict(readPlist(delivery.body)), 'BootstrapToken')
    return { ...delivery, token }
  }

  return { authenticate, enroll, renew, setBootstrapToken, getBootstrapToken }
}

function authenticateKeys(
  options: DeviceOptions,
  name: string,
  { version, build }: OperatingSystem,
): PlistDict {
  const { platform, userEnrollment } = options
  const hardware = HARDWARE[platform]
  return {
    Topic: options.topic,
    OSVersion: version,
    BuildVersion: build,
    ProductName: hardware.productName,
    ...(userEnrollment === undefined ? { SerialNumber: options.serial } : {}),
    ...(platform === 'macOS'
      ? { DeviceName: name, Model: hardware.productName, ModelName: hardware.modelName }
      : {}),
    ...(platform === 'iOS' && userEnrollment === undefined ? { IMEI: '35 000000 000000 0' } : {}),
  }
}

type ChannelIdentity = Pick<ChannelOptions, 'enrollmentId' | 'ids' | 'scope' | 'extras'>

function deviceIdentity({ udid, userEnrollment, sharedIPad }: DeviceOptions): ChannelIdentity {
  const enrollmentId = userEnrollment?.enrollmentId ?? udid
  return {
    enrollmentId,
    ids: userEnrollment === undefined ? { UDID: udid } : { EnrollmentID: enrollmentId },
    scope: sharedIPad === true ? 'sharedDevice' : 'device',
    extras: {},
  }
}

/** The ids of a user's channel (Apple: "Token Update"). */
function userIdentity(
  options: DeviceOptions,
  device: SimulatedChannel,
  user: User,
): ChannelIdentity {
  const { userId, shortName, longName = shortName } = user
  if (options.sharedIPad === true) {
    return {
      enrollmentId: `${device.enrollmentId}:${shortName}`,
      ids: { ...device.ids, UserID: SHARED_IPAD_USER_ID, UserShortName: shortName },
      scope: 'sharedUser',
      extras: {},
    }
  }
  if (options.platform !== 'macOS') {
    throw new Error(`${options.platform} has no user channel; a Shared iPad has`)
  }
  const idKey = options.userEnrollment === undefined ? 'UserID' : 'EnrollmentUserID'
  return {
    enrollmentId: `${device.enrollmentId}:${userId}`,
    ids: { ...device.ids, [idKey]: userId, UserShortName: shortName, UserLongName: longName },
    scope: 'user',
    extras: { NotOnConsole: false },
  }
}
