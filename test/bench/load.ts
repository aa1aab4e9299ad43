/** The load generator: a process of its own. `bench.ts` tells it what to send; it answers how that went. */
import { newKey, readIssuer } from '../../src/simulator/device/identity.ts'
import type { Connection } from './connection.ts'
import { drive, type Drive, type Outcome } from './drive.ts'
import { isSynchronised, newLightDevice, synchronise, type LightDevice } from './light-device.ts'
import { keyOf, signedDevice, type Fleet, type SignedDevice, type Step } from './messages.ts'
import { fleetOf, signDevices, udidOf, type Setup } from './sign.ts'

export type Kind = keyof typeof STEPS | 'synchronise'

export interface Run extends Drive {
  readonly kind: Kind
  /** Device numbers from…to, `to` excluded; in turn, so that each is visited once before any is twice. */
  readonly from: number
  readonly to: number
  /** Errors are counted and do not end the bench. */
  readonly mayFail?: boolean
}

export type Order =
  | { readonly setup: Setup }
  | { readonly sign: Pick<Run, 'from' | 'to'> }
  | { readonly run: Run }
  | { readonly tally: true }
export type Reply =
  | { readonly outcome: Outcome }
  | { readonly tally: Tally }
  | { readonly error: string }
  | { readonly ready: true }

/** How the devices of `synchronise` stand. */
export interface Tally {
  readonly synchronised: number
  /** Devices that got more than one command. */
  readonly toldTwice: number
  /** Their DeclarationsTokens, each once. */
  readonly tokens: readonly (string | undefined)[]
}

/** Operations as sequences of requests, each answered 200 or 201. */
const STEPS = {
  enrolment: ['authenticate', 'tokenUpdate'],
  'check-in': ['tokenUpdate'],
  idle: ['idle'],
  cycle: ['command', 'idle', 'done'],
  inventory: ['command', 'idle', 'inventory'],
  enqueue: ['command'],
  /** Enrolments that only have to be there: signed as they are sent, with keys that sign fast. */
  fill: ['authenticate', 'tokenUpdate'],
  /** The same for devices that synchronise later. */
  join: ['authenticate', 'tokenUpdate'],
  tokens: ['tokens'],
} as const satisfies Readonly<Record<string, readonly Step[]>>

let known: { setup: Setup; fleet: Fleet; fillers: Fleet } | undefined
const devices = new Map<number, SignedDevice>()
const lightDevices = new Map<number, LightDevice>()

process.once('disconnect', () => process.exit())
process.on('message', (order: Order) => {
  void obey(order).then(
    (reply) => process.send?.(reply),
    (error: unknown) =>
      process.send?.({ error: error instanceof Error ? error.message : String(error) }),
  )
})

async function obey(order: Order): Promise<Reply> {
  if ('setup' in order) {
    const fleet = fleetOf(order.setup)
    const fillers = { ...fleet, ca: readIssuer(order.setup.fillCa), keys: [newKey('ec')] }
    known = { setup: order.setup, fleet, fillers }
    devices.clear()
    return { ready: true }
  }
  if (!known) {
    throw new Error('no setup')
  }
  const { setup, fleet, fillers } = known
  if ('sign' in order) {
    await signMissing(setup, order.sign)
    return { ready: true }
  }
  if ('tally' in order) {
    return { tally: tallyOf([...lightDevices.values()]) }
  }
  const { kind, from, to, count } = order.run
  const isSignedNow = kind === 'fill' || kind === 'join'
  if (!isSignedNow && kind !== 'synchronise') {
    await signMissing(setup, { from, to: Math.min(to, from + count) })
  }
  const outcome = await drive(fleet.server, order.run, async (connection, turn) => {
    const n = from + (turn % (to - from))
    if (kind === 'synchronise') {
      const light = lightDevice(fleet, n)
      return isSynchronised(light) ? undefined : synchronise(light, connection, fleet.server)
    }
    const device = isSignedNow ? signedDevice(fillers, n, udidOf('FILL', n), false) : devices.get(n)
    await operate(connection, kind, device)
    if (kind === 'join' && device) {
      keepLight(fillers, n, device)
    }
  })
  return outcome.errors > 0 && !order.run.mayFail
    ? { error: `${outcome.errors} errors, the first: ${outcome.firstError}` }
    : { outcome }
}

/** A device that has joined, or a signed one of the fleet. */
function lightDevice(fleet: Fleet, n: number): LightDevice {
  const signed = devices.get(n)
  const light = lightDevices.get(n) ?? (signed && keepLight(fleet, n, signed))
  if (!light) {
    throw new Error(`device ${n} has not enrolled`)
  }
  return light
}

function keepLight(fleet: Fleet, n: number, { udid, certificate }: SignedDevice): LightDevice {
  const light = newLightDevice(udid, { certificate, privateKey: keyOf(fleet, n) })
  lightDevices.set(n, light)
  return light
}

function tallyOf(fleet: readonly LightDevice[]): Tally {
  return {
    synchronised: fleet.filter(isSynchronised).length,
    toldTwice: fleet.filter(({ commands }) => commands.size > 1).length,
    tokens: [...new Set(fleet.map(({ kept }) => kept.token))],
  }
}

async function signMissing(setup: Setup, { from, to }: Pick<Run, 'from' | 'to'>): Promise<void> {
  const missing: number[] = []
  for (let n = from; n < to; n++) {
    if (!devices.has(n)) {
      missing.push(n)
    }
  }
  if (missing.length > 0) {
    await signDevices(setup, missing, (n, device) => devices.set(n, device))
  }
}

async function operate(
  connection: Connection,
  kind: keyof typeof STEPS,
  device: SignedDevice | undefined,
): Promise<void> {
  if (!device) {
    throw new Error(`no device for ${kind}`)
  }
  for (const step of STEPS[kind]) {
    const answer = await connection.send(device.requests[step])
    if (answer.status !== 200 && answer.status !== 201) {
      throw new Error(`${step} of ${device.udid}: ${answer.status} ${answer.body.toString()}`)
    }
  }
}
