/** Calls of the API for declarations. */
import { runDurableObjectAlarm } from 'cloudflare:test'
import { expect } from 'vitest'
import { DECLARATIONS } from '../../src/jobs/declarations/begin.ts'
import type { SimulatedDevice } from '../../src/simulator/device/device.ts'
import { turn } from './clock.ts'
import { api, enrolled, env } from './server.ts'

/** Lets the round that a call has begun go on to its end. */
export async function told(): Promise<void> {
  while (await runDurableObjectAlarm(env.JOB.getByName(DECLARATIONS))) {
    turn(1000)
  }
}

/** A status report of a device. */
export async function report(device: SimulatedDevice, status: object): Promise<void> {
  const Data = new TextEncoder().encode(JSON.stringify(status))
  await device.checkIn('DeclarativeManagement', { Endpoint: 'status', Data })
}

/** An error of the API. */
export interface Problem {
  code: string
  detail: string
  errors: { at: string; detail: string }[]
}
/** The answer of a PUT. */
export interface Stored {
  version: number | null
  changed: boolean
  warnings: string[]
  preview: {
    items: { id: string; state: string; reason: string | null }[]
    next: string | null
    counts: object
    reasons: { reason: string; count: number }[]
  }
}
export interface List<Item> {
  items: Item[]
  next: string | null
}

export const TYPE = 'com.apple.configuration.passcode.settings'
export const PASSCODE = { type: TYPE, payload: { MinimumLength: 8 } }
export const newName = (kind: string) => `${kind}.${crypto.randomUUID()}`
export const at = (id: string, rest = '') => `/api/declarations/${encodeURIComponent(id)}${rest}`
export const setAt = (name: string, rest = '') => `/api/sets/${encodeURIComponent(name)}${rest}`
export const put = <Body = Stored>(id: string, body: object, query = '') =>
  api<Body>('PUT', at(id, query), body)

export async function newSet(body: object = {}): Promise<string> {
  const name = newName('set')
  expect((await api('PUT', setAt(name), body)).status).toBe(200)
  return name
}

/** A declaration in two versions, in a set with a device that has reported. */
export async function versioned(): Promise<{ id: string; set: string; udid: string }> {
  const [id, set] = [newName('versioned'), await newSet()]
  const device = await enrolled()
  await api('POST', setAt(set, '/members'), { ids: [device.udid] })
  for (const MinimumLength of [6, 8]) {
    await put(id, { type: TYPE, payload: { MinimumLength }, sets: [set] })
  }
  await told()
  await report(device, { StatusItems: { device: { model: { family: 'Mac' } } } })
  return { id, set, udid: device.udid }
}
