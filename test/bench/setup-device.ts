/**
 * A simulated device in Setup Assistant with one fault, which a seed chooses. It notes all that it is given.
 */
import type { KeyObject } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { textAt } from '../../src/plist/dict.ts'
import { createSimulatedDevice, type SimulatedDevice } from '../../src/simulator/device/device.ts'
import { DEFAULT_RELEASE, versionIn } from '../../src/simulator/device/os.ts'
import { newUdid } from '../../src/simulator/device/platforms.ts'
import type { Join } from '../../src/simulator/device/joining.ts'
import type { Fetch } from '../../src/simulator/device/wire.ts'
import type { Chance } from '../attack/fuzz/random.ts'

const SECOND = 1000
/** Between two calls of a device that waits: it polls without a push. */
const POLL_EVERY = 3 * SECOND
/** A device that is not released so long after its enrolment counts as missed. */
const PATIENCE = 300 * SECOND
const PLATFORM = 'macOS'

/** The command of each step of the bench's blueprint, in their order. */
export const STEPS = [
  'InstallProfile',
  'InstallApplication',
  'Settings',
  'DeclarativeManagement',
  'AccountConfiguration',
  'DeviceInformation',
] as const

export const FAULTS = [
  'none',
  'NotNow for ever',
  'NotNow at first',
  'silent',
  'away',
  'Error',
  'CommandFormatError',
  'token again',
  'cut',
  'wiped',
  'new UDID',
] as const

export interface Fault {
  readonly kind: (typeof FAULTS)[number]
  /** The step that it is about. */
  readonly step: number
  /** After so many commands, for those that come once. */
  readonly after: number
  readonly times: number
  readonly seconds: number
}

export function faultOf(chance: Chance): Fault {
  return {
    kind: chance.often(0.3) ? 'none' : chance.pick(FAULTS.slice(1)),
    step: chance.int(STEPS.length),
    after: 1 + chance.int(STEPS.length - 1),
    times: 1 + chance.int(3),
    seconds: 20 + chance.int(80),
  }
}

export interface Noted {
  readonly at: number
  readonly type: string
  readonly uuid: string
  readonly status: string
}

/** One enrolment of a device, as the device has seen it. Times are milliseconds since 1970. */
export interface Life {
  readonly udid: string
  readonly device: SimulatedDevice
  readonly enrolledAt: number
  readonly given: Noted[]
  /** Polls that reached the server to their end. */
  readonly polls: { readonly began: number; readonly ended: number }[]
  releasedAt: number
}

export interface Machine {
  readonly serial: string
  readonly fault: Fault
  /** Its enrolments; the last one is that which has to be released. */
  readonly lives: Life[]
}

export interface World {
  readonly join: Join
  readonly key: KeyObject
  readonly chance: Chance
  /** Lets few devices call at the same time. */
  readonly inTurn: <T>(call: () => Promise<T>) => Promise<T>
  /** A life has begun: admins may interfere. */
  readonly began: (life: Life) => Promise<void>
}

/** The device enrols, and calls until it is released. @returns when it is, or has waited too long */
export async function setUp(machine: Machine, world: World): Promise<void> {
  let udid = newUdid(PLATFORM, (length) => world.chance.bytes(length))
  let fault: Fault | undefined = machine.fault
  for (;;) {
    const life = await enrol(machine, udid, fault, world)
    machine.lives.push(life)
    const ended = await wait(life, fault, world)
    if (ended !== 'wiped') {
      return
    }
    udid =
      fault?.kind === 'new UDID' ? newUdid(PLATFORM, (length) => world.chance.bytes(length)) : udid
    fault = undefined
  }
}

/** Until it succeeds: the server may be down. */
async function persist<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await call()
    } catch (error) {
      if (tries === 60) {
        throw error
      }
      await sleep(POLL_EVERY)
    }
  }
}

async function enrol(
  { serial }: Machine,
  udid: string,
  fault: Fault | undefined,
  { join, key, chance, inTurn, began }: World,
): Promise<Life> {
  const osVersion = versionIn(DEFAULT_RELEASE, PLATFORM)
  const who = { name: udid, key, serial, platform: PLATFORM, osVersion } as const
  const joined = await persist(() => inTurn(() => join(who)))
  const given: Noted[] = []
  const device = createSimulatedDevice({
    ...joined,
    fetch: fault?.kind === 'cut' ? cutting(chance) : fetch,
    platform: PLATFORM,
    osVersion,
    udid,
    serial,
    history: 20,
    answer: ({ requestType, uuid }) => fault && answerOf(fault, requestType, uuid, given),
    observe({ requestType: type, uuid }, report) {
      const status = report === 'silence' ? report : textAt(report, 'Status')
      given.push({ at: Date.now(), type, uuid, status })
    },
  })
  const accepted = async (call: () => Promise<{ readonly status: number }>): Promise<void> => {
    const { status } = await inTurn(call)
    if (status !== 200) {
      throw new Error(`HTTP ${status}`)
    }
  }
  await persist(() => accepted(() => device.authenticate()))
  const enrolledAt = Date.now()
  await persist(() => accepted(() => device.tokenUpdate({ awaitingConfiguration: true })))
  const life: Life = { udid, device, enrolledAt, given, polls: [], releasedAt: 0 }
  await persist(() => began(life))
  return life
}

function answerOf(
  { kind, step, times, after }: Fault,
  requestType: string,
  uuid: string,
  given: readonly Noted[],
) {
  if ((kind === 'wiped' || kind === 'new UDID' || kind === 'away') && given.length === after) {
    return 'silence'
  }
  if (requestType !== STEPS[step]) {
    return undefined
  }
  switch (kind) {
    case 'NotNow for ever':
      return 'NotNow'
    case 'NotNow at first':
      return given.filter((one) => one.uuid === uuid).length < times ? 'NotNow' : undefined
    case 'silent':
      return 'silence'
    case 'Error':
    case 'CommandFormatError':
      return kind
    default:
      return undefined
  }
}

/** Polls until the device is released, wiped, or has waited too long. */
async function wait(
  life: Life,
  fault: Fault | undefined,
  { inTurn, chance }: World,
): Promise<'released' | 'wiped' | 'missed'> {
  const { device, given, polls } = life
  let isDue = fault
  while (Date.now() < life.enrolledAt + PATIENCE) {
    const began = Date.now()
    const session = await inTurn(() => device.poll()).catch(() => undefined)
    const isDelivered = session !== undefined && session.ended !== 'failed'
    if (isDelivered) {
      polls.push({ began, ended: Date.now() })
    }
    if (isDelivered && device.setup().phase === 'released') {
      life.releasedAt = given.find(({ type }) => type === 'DeviceConfigured')?.at ?? 0
      return 'released'
    }
    if (isDue && given.length > isDue.after) {
      if (isDue.kind === 'wiped' || isDue.kind === 'new UDID') {
        return 'wiped'
      }
      await once(isDue, device)
      isDue = undefined
    }
    await sleep(POLL_EVERY * (0.7 + chance.int(60) / 100))
  }
  return 'missed'
}

async function once({ kind, seconds }: Fault, device: SimulatedDevice): Promise<void> {
  if (kind === 'away') {
    await sleep(seconds * SECOND)
  } else if (kind === 'token again') {
    await persist(() => device.tokenUpdate({ awaitingConfiguration: true }))
  }
}

/** One in eight messages is lost: before it reaches the server, while it does, or with its answer. */
function cutting(chance: Chance): Fetch {
  return async (url, init) => {
    const cut = chance.often(0.125)
      ? chance.pick(['before', 'within', 'after'] as const)
      : undefined
    if (cut === 'before') {
      throw new Error('the connection was cut')
    }
    const signal = cut === 'within' ? AbortSignal.timeout(1 + chance.int(15)) : null
    const response = await fetch(url, { ...init, signal })
    if (cut === 'after') {
      await response.arrayBuffer()
      throw new Error('the connection was cut')
    }
    return response
  }
}
