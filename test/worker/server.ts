import { expect } from 'vitest'
import { env as rawEnv, exports } from 'cloudflare:workers'
import type { Env } from '../../src/env.ts'
import type { Audit } from '../../src/audit/object.ts'
import type { DepStub } from '../../src/dep-account/import.ts'
import type { Control } from '../../src/control/object.ts'
import type { Job } from '../../src/jobs/job.ts'
import type { Live } from '../../src/live/object.ts'
import type { Push } from '../../src/push-circuit/push.ts'
import type { Device } from '../../src/device/object.ts'
import {
  createIdentity,
  readIssuer,
  type SimulatedIdentity,
  type KeyKind,
} from '../../src/simulator/device/identity.ts'
import {
  createSimulatedDevice,
  type DeviceOptions,
  type SimulatedDevice,
} from '../../src/simulator/device/device.ts'
import { PATIENCE } from '../patience.ts'
import { clock, turnTimers } from './clock.ts'
import type { Rule, Seen } from './outside.ts'

interface TestEnv extends Omit<
  Env,
  'AUDIT' | 'CONTROL' | 'DEP' | 'DEVICE' | 'JOB' | 'LIVE' | 'PUSH'
> {
  readonly AUDIT: DurableObjectNamespace<Audit>
  readonly CONTROL: DurableObjectNamespace<Control>
  readonly DEP: { getByName(name: string): DepStub & DurableObjectStub }
  readonly JOB: DurableObjectNamespace<Job>
  readonly LIVE: DurableObjectNamespace<Live>
  readonly PUSH: DurableObjectNamespace<Push>
  readonly DEVICE: DurableObjectNamespace<Device>
  readonly SEAL_KEYS: string
  readonly DEVICE_CA: string
  readonly DEVICE_CA_KEY: string
}

export const env = rawEnv as unknown as TestEnv

export const TOPIC = 'com.apple.mgmt.External.test'
const ORIGIN = 'http://mdm.test'
export const BASIC = `Basic ${btoa('micromdm:test-key')}`

const ca = readIssuer({ certificate: env.DEVICE_CA, privateKey: env.DEVICE_CA_KEY })

export function serve(path: string, init?: RequestInit): Promise<Response> {
  return exports.default.fetch(new Request(`${ORIGIN}${path}`, init))
}

/** An admin's call: status and JSON body. */
export async function api<Body = Record<string, unknown>>(
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: Body }> {
  const response = await serve(path, {
    method,
    headers: { authorization: BASIC },
    ...(body === undefined
      ? {}
      : {
          body:
            typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
        }),
  })
  const text = await response.text()
  // A call that leaves nothing to show answers 204.
  return { status: response.status, body: JSON.parse(text || '{}') as Body }
}

let count = 0

export function newIdentity(
  commonName = `device ${++count}`,
  kind: KeyKind = 'ec',
  now = new Date(clock.now()),
): SimulatedIdentity {
  return createIdentity({ ca, commonName, kind, now })
}

/**
 * A device that talks to the Worker under test; ids are new in each call, because tests of a file share
 * storage.
 */
export function newDevice(options: Partial<DeviceOptions> = {}): SimulatedDevice {
  count += 1
  return createSimulatedDevice({
    fetch: (url, init) => exports.default.fetch(new Request(url, init as RequestInit)),
    serverUrl: `${ORIGIN}/mdm/connect`,
    checkInUrl: `${ORIGIN}/mdm/checkin`,
    identity: options.identity ?? newIdentity(),
    platform: 'macOS',
    udid: `UDID-${count}-${crypto.randomUUID()}`,
    serial: `SERIAL${count}`,
    topic: TOPIC,
    clock: () => new Date(clock.now()),
    ...options,
  })
}

/** The same, enrolled. */
export async function enrolled(options: Partial<DeviceOptions> = {}): Promise<SimulatedDevice> {
  const device = newDevice(options)
  await device.enroll()
  return device
}

export async function rule(options: Rule): Promise<void> {
  await fetch('http://control.test/rules', { method: 'POST', body: JSON.stringify(options) })
}

/** Answers the requests that a rule holds. */
export async function release(): Promise<void> {
  await fetch('http://control.test/release')
}

export async function resetRules(): Promise<void> {
  await fetch('http://control.test/reset')
}

export async function seen(match: string, on?: Seen['on']): Promise<Seen[]> {
  const response = await fetch(`http://control.test/seen?match=${encodeURIComponent(match)}`)
  const all = await response.json<Seen[]>()
  return on === undefined ? all : all.filter((entry) => entry.on === on)
}

export interface WebhookBody {
  topic: string
  event_id: string
  sequence: number
  acknowledge_event?: Record<string, unknown> & { raw_payload: string }
  checkin_event?: Record<string, unknown> & { raw_payload: string }
}

/** The events about a device that the receiver has taken, as soon as there are `least` of them. */
export async function events(
  udid: string,
  least: number,
  between?: () => unknown,
): Promise<WebhookBody[]> {
  return until(
    async () =>
      (await seen(udid, 'webhook'))
        .filter(({ status }) => status < 400)
        .map(({ body }) => JSON.parse(body) as WebhookBody),
    (found) => found.length >= least,
    between,
  )
}

/** Waits until lists have heard of a device's state. */
export async function listedAs(
  { udid }: { readonly udid: string },
  state: 'enrolled' | 'checked_out',
): Promise<void> {
  await until(
    () => api<{ items: object[] }>('GET', `/api/devices?q=${udid}&state=${state}`),
    ({ body }) => body.items.length === 1,
  )
}

/** An admin says which of two enrolments is the device. */
export async function decide(
  decision: 'new' | 'renewal' | 'earlier',
  ...devices: readonly { readonly udid: string }[]
): Promise<void> {
  const ids = devices.map(({ udid }) => udid)
  const { body } = await api('POST', '/api/enrollments/decide', { ids, decision })
  expect(body['outcomes']).toEqual(ids.map((id) => ({ id, state: 'decided', error: null })))
}

/** Lets the time pass in which a device's object gathers what is queued, before it pushes. */
export async function letPush(): Promise<void> {
  await turnTimers(250)
}

/** Lets what is queued be pushed; the pushes to a device, as soon as there are `least`. */
export async function pushes({ magic }: { readonly magic: string }, least = 1): Promise<Seen[]> {
  await letPush()
  return until(
    () => seen(magic, 'apns'),
    (found) => found.length >= least,
  )
}

/**
 * Asks again until the answer will do. The tests' clock stands still meanwhile, unless `between` turns it.
 */
export async function until<Answer>(
  ask: () => Promise<Answer>,
  willDo: (answer: Answer) => boolean,
  between: () => unknown = () => undefined,
): Promise<Answer> {
  const gaveUp = new Error()
  const end = performance.now() + PATIENCE
  for (;;) {
    const answer = await ask()
    if (willDo(answer)) {
      return answer
    }
    if (performance.now() > end) {
      const last = JSON.stringify(answer)?.slice(0, 2000)
      gaveUp.message = `waited ${PATIENCE / 1000} s until ${willDo.toString()}; the last answer was ${last}`
      throw gaveUp
    }
    await between()
    await scheduler.wait(20)
  }
}
