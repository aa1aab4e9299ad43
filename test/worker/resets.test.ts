/** A deploy ends objects while calls are under way. Their rows stay; what a call loses, its sender repeats. */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { expect, it } from 'vitest'
import type { SimulatedDevice } from '../../src/simulator/device/device.ts'
import { turn } from './clock.ts'
import { api, BASIC, env, events, newDevice, serve, until } from './server.ts'

/** The words in which the platform says so. */
const RESET = 'Durable Object reset because its code was updated.'
/** The end of an object is tried after so many of its other calls, to meet a call at each of its waits. */
const MOMENTS = [0, 1, 2, 3, 4]

/** Calls that met the end of an object. */
let met = 0

/** Does something at a device while its object ends, and repeats it until it is done. */
async function interrupted(
  { udid }: { readonly udid: string },
  moment: number,
  act: () => Promise<boolean>,
): Promise<void> {
  const end = async (): Promise<void> => {
    const object = env.DEVICE.getByName(udid)
    for (let calls = 0; calls < moment; calls++) {
      await object.isShutOut('').catch(() => undefined)
    }
    await runInDurableObject(object, (_, state) => state.abort(RESET)).catch(() => undefined)
  }
  const [isDone] = await Promise.all([act(), end()])
  for (let done = isDone; !done; done = await act()) {
    met += 1
  }
}

async function queue(udid: string, uuid: string): Promise<boolean> {
  const answer = await serve(`/api/devices/${udid}/commands`, {
    method: 'POST',
    headers: { authorization: BASIC, 'idempotency-key': uuid },
    body: JSON.stringify({ request_type: 'ProfileList', command_uuid: uuid }),
  })
  expect([200, 202, 503]).toContain(answer.status)
  return answer.status < 300
}

async function poll(device: SimulatedDevice): Promise<boolean> {
  const { ended, reason = 'HTTP 503' } = await device.poll()
  expect(reason).toBe('HTTP 503')
  return ended === 'empty'
}

it.each(MOMENTS)(
  'no command and no event is lost when a device’s object ends during a call (moment %i)',
  async (moment) => {
    const device = newDevice()
    await interrupted(device, moment, async () => {
      const { status } = await device.enroll()
      expect([200, 503]).toContain(status)
      return status === 200
    })
    const uuids = ['one', 'two', 'three'].map((name) => `${name}-${device.udid}`)
    for (const uuid of uuids) {
      await interrupted(device, moment, () => queue(device.udid, uuid))
    }
    await interrupted(device, moment, () => poll(device))
    await poll(device)
    expect(new Set(device.received.map(({ uuid }) => uuid))).toEqual(new Set(uuids))
    const { body } = await api<{ items: { state: string }[] }>(
      'GET',
      `/api/devices/${device.udid}/commands`,
    )
    expect(body.items.map(({ state }) => state)).toEqual(uuids.map(() => 'acknowledged'))
    const { body: page } = await api<{ items: { sequence: number }[] }>(
      'GET',
      `/api/devices/${device.udid}/deliveries`,
    )
    const sent = page.items.map(({ sequence }) => sequence).toSorted((a, b) => a - b)
    expect(sent.length).toBeGreaterThan(uuids.length + 1)
    // At least once: a post whose answer the turned clock makes late is repeated.
    const arrived = await until(
      async () => new Set((await events(device.udid, 0)).map(({ sequence }) => sequence)),
      ({ size }) => size >= sent.length,
      async () => {
        // An announcement may be lost with the object: its alarm announces again.
        turn(61_000)
        await runDurableObjectAlarm(env.DEVICE.getByName(device.udid))
      },
    )
    expect([...arrived].toSorted((a, b) => a - b)).toEqual(sent)
  },
)

it('the objects have ended during calls', () => {
  expect(met).toBeGreaterThan(0)
})
