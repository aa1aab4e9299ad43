import { Buffer } from 'node:buffer'
import { type KeyObject, randomBytes } from 'node:crypto'
import type { Platform } from '../../apple/platform.ts'
import { writePlistText } from '../../plist/write.ts'
import type { SimulatedChannel } from '../device/channel.ts'
import {
  createSimulatedDevice,
  type DeviceOptions,
  type SimulatedDevice,
} from '../device/device.ts'
import { identityFromPem, identityToPem, newKey } from '../device/identity.ts'
import type { Join } from '../device/joining.ts'
import { DEFAULT_RELEASE, versionIn } from '../device/os.ts'
import { isHeld } from '../device/desktop.ts'
import { newSerial, newUdid, newUuid, type Random } from '../device/platforms.ts'
import { describeFailure, type Session } from '../device/session.ts'
import { asRemembered, type DeviceMemory, newsOf } from './memory.ts'
import { createWaker, type Waker } from './waker.ts'
import { isDelivered } from '../device/wire.ts'

/** Registers the channel that a token wakes with the simulated APNs. */
export type Register = (tokenHex: string, magic: string, wake: () => void) => void

export interface FleetOptions extends Pick<
  DeviceOptions,
  'fetch' | 'clock' | 'answer' | 'observe' | 'scep' | 'faults' | 'applied'
> {
  readonly count: number
  readonly join: Join
  /** Origin of the server for this machine, when profiles name another one. */
  readonly server: string
  /** The key of all devices; without it a new RSA key. */
  readonly key?: KeyObject
  readonly random?: Random
  /** How many devices enrol, or `poll`, at the same time. */
  readonly concurrency?: number
  readonly platforms?: readonly Platform[]
  /** Serial numbers and platforms of new devices by their index; without them new ones. */
  readonly machines?: readonly { readonly serial: string; readonly platform: Platform }[]
  /**
   * The release of new devices, in iOS's numbers: `27.0`, or `18.1` for macOS 15.1; without it a current one.
   */
  readonly release?: string
  readonly register?: Register
  /** Milliseconds until a device repeats a request that failed or got NotNow. */
  readonly retryAfter?: number
  /** Devices of an earlier run by their index; they continue instead of new ones. */
  readonly remembered?: ReadonlyMap<number, DeviceMemory>
  /** Called whenever a device has changed and has to be remembered. */
  readonly remember?: (index: number, memory: DeviceMemory) => void
  readonly sessionEnded?: (channel: SimulatedChannel, session: Session) => void
  /** Reports how many devices there are by now. */
  readonly started?: (n: number) => void
}

export interface Fleet {
  readonly devices: readonly SimulatedDevice[]
  /** Every device polls. Devices that are in a session poll again after it. */
  poll(): Promise<void>
  /** Stops wakes and retries, and waits for the sessions under way. */
  close(): Promise<void>
}

interface Member {
  readonly device: SimulatedDevice
  /** Registers the channel, so that its pushes wake it. */
  readonly listen: (channel: SimulatedChannel) => void
  readonly saveNews: () => void
}

const MIXED: readonly Platform[] = [
  'macOS',
  'iOS',
  'iPadOS',
  'macOS',
  'iOS',
  'tvOS',
  'macOS',
  'iPadOS',
  'visionOS',
  'watchOS',
]

/**
 * The history that a device of a fleet keeps: enough to look at, too little to fill the memory of a long run.
 */
const HISTORY = 20

/**
 * Devices of mixed platforms that share one key pair until it is renewed. The remembered ones continue, the
 * others enrol; then each polls once.
 *
 * @throws Error when a device cannot enrol; the others are stopped
 */
export async function createFleet(options: FleetOptions): Promise<Fleet> {
  const { count, concurrency = 4, remembered = new Map() } = options
  const wakers = new Map<SimulatedChannel, Waker>()
  const devices: SimulatedDevice[] = []
  let there = 0
  const [known] = remembered.values()
  const key =
    known === undefined ? (options.key ?? newKey('rsa')) : identityFromPem(known).privateKey

  async function poll(): Promise<void> {
    const all = [...wakers.values()]
    await inParallel(concurrency, all.length, async (index) => all[index]?.wake())
  }

  async function close(): Promise<void> {
    await Promise.all([...wakers.values()].map((waker) => waker.stop()))
  }

  async function start(index: number): Promise<void> {
    const memory = remembered.get(index) ?? (await newMemory(options, index, key))
    const { device, listen, saveNews } = createMember(options, index, memory, wakers)
    devices[index] = device
    // Before the first message: a device whose enrolment a crash interrupted is the same device next time.
    saveNews()
    if (device.state() === 'new') {
      await enroll(device, options.server)
      saveNews()
    } else {
      listen(device)
    }
    await wakers.get(device)?.wake()
    there += 1
    options.started?.(there)
  }

  try {
    await inParallel(concurrency, count, start)
  } catch (error) {
    await close()
    throw error
  }
  return { devices, poll, close }
}

async function newMemory(
  options: FleetOptions,
  index: number,
  key: KeyObject,
): Promise<DeviceMemory> {
  const { join, server, platforms = MIXED, random = randomBytes } = options
  const { release = DEFAULT_RELEASE } = options
  const machine = options.machines?.[index]
  const platform = machine?.platform ?? platforms[index % platforms.length] ?? 'macOS'
  const osVersion = versionIn(release, platform)
  const udid = newUdid(platform, random)
  const serial = machine?.serial ?? newSerial(random)
  const joined = await join({ name: udid, key, serial, platform, osVersion }).catch(
    (error: unknown) => {
      throw new Error(`${udid} could not enrol at ${server}: ${describeFailure(error)}`, {
        cause: error,
      })
    },
  )
  const { identity, serverUrl, checkInUrl, topic, profile, setup } = joined
  return {
    platform,
    osVersion,
    udid,
    serial,
    ...identityToPem(identity),
    serverUrl,
    ...(checkInUrl === undefined ? {} : { checkInUrl }),
    topic,
    profile: profile ? writePlistText(profile.profile) : '',
    token: Buffer.from(random(32)).toString('hex'),
    magic: newUuid(random),
    state: 'new',
    declarative: false,
    ...(setup && { setup }),
  }
}

function createMember(
  options: FleetOptions,
  index: number,
  memory: DeviceMemory,
  wakers: Map<SimulatedChannel, Waker>,
): Member {
  const { retryAfter = 10_000, remembered, remember } = options
  let last = JSON.stringify(remembered?.get(index))
  const device = createSimulatedDevice({
    ...options,
    ...asRemembered(memory, options.server),
    history: HISTORY,
    beforeTokenUpdate: listen,
  })

  function saveNews(): void {
    const news = newsOf(device, memory)
    const text = JSON.stringify(news)
    if (text !== last) {
      last = text
      remember?.(index, news)
    }
  }

  function listen(channel: SimulatedChannel): void {
    const waker = wakers.get(channel) ?? newWaker(channel)
    const token = Buffer.from(channel.token).toString('hex')
    options.register?.(token, channel.magic, () => void waker.wake())
  }

  function newWaker(channel: SimulatedChannel): Waker {
    const waker = createWaker({
      poll: () => channel.poll(),
      retryAfter,
      comesBack: () => channel === device && isHeld(device),
      sessionEnded(session) {
        saveNews()
        options.sessionEnded?.(channel, session)
      },
    })
    wakers.set(channel, waker)
    return waker
  }

  return { device, listen, saveNews }
}

async function enroll(device: SimulatedDevice, serverUrl: string): Promise<void> {
  const delivery = await device.enroll().catch((error: unknown) => {
    throw new Error(`cannot reach ${serverUrl}: ${describeFailure(error)}`, { cause: error })
  })
  if (!isDelivered(delivery)) {
    const text = new TextDecoder().decode(delivery.body).trim().slice(0, 200)
    const answer = `HTTP ${delivery.status} ${text}`.trim()
    throw new Error(
      `${device.name} (${device.udid}) could not enrol: the server answered ${answer}`,
    )
  }
}

async function inParallel(
  limit: number,
  count: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  const indexes = Array.from({ length: count }, (_, index) => index)

  async function lane(): Promise<void> {
    for (let index = indexes.shift(); index !== undefined; index = indexes.shift()) {
      await work(index).catch((error: unknown) => {
        indexes.length = 0
        throw error
      })
    }
  }

  await Promise.all(Array.from({ length: Math.min(limit, count) }, lane))
}
