import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { afterEach, expect, it, vi } from 'vitest'
import { ROWS_TOO_NEW } from '../../src/storage/schema.ts'
import type { Subscriber } from '../../src/webhooks/subscriber.ts'
import { clock } from './clock.ts'
import { api, enrolled, env } from './server.ts'

afterEach(() => vi.restoreAllMocks())

const SUBSCRIBER = env.SUBSCRIBER as unknown as DurableObjectNamespace<Subscriber>

/** An object of each class that keeps the form of its rows as a value, and a call to it. */
const OBJECTS: Record<string, () => [DurableObjectStub, () => Promise<unknown>]> = {
  Subscriber: () => {
    const object = SUBSCRIBER.getByName('newer')
    return [object, () => object.state()]
  },
  Audit: () => {
    const object = env.AUDIT.getByName('newer')
    return [object, () => object.look()]
  },
  Control: () => {
    const object = env.CONTROL.getByName('newer')
    return [object, () => object.listKeys()]
  },
  Live: () => {
    const object = env.LIVE.getByName('newer')
    return [object, () => object.watch(0)]
  },
  Push: () => {
    const object = env.PUSH.getByName('newer')
    return [object, () => object.state()]
  },
  Job: () => {
    const object = env.JOB.getByName('newer')
    return [object, () => object.view()]
  },
  DepAccount: () => {
    const object = env.DEP.getByName('newer')
    return [object, () => object.status()]
  },
}

async function store(object: DurableObjectStub, schema: number): Promise<void> {
  await runInDurableObject(object, (_, { storage }) => {
    storage.kv.put('schema', schema)
  })
  await evictDurableObject(object)
}

it.each(Object.entries(OBJECTS))(
  'a %s that a later release has written is refused, its alarm waits if it has one, and the log says it once',
  async (name, target) => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    const [object, call] = target()
    await store(object, 2)
    await call()
    await store(object, 3)
    for (const time of ['first', 'second']) {
      const refused = await call().catch((error: unknown) => String(error))
      expect(refused, time).toContain(ROWS_TOO_NEW)
    }
    const lines = warned.mock.calls.map(([line]) => JSON.parse(line) as Record<string, unknown>)
    expect(lines).toMatchObject([{ event: 'schema:newer', class: name, stored: 3, reads: 2 }])
    const hasAlarm = await runInDurableObject(object, async (instance, { storage }) => {
      await storage.setAlarm(clock.now())
      return 'alarm' in instance
    })
    if (!hasAlarm) {
      return
    }
    expect(await runDurableObjectAlarm(object)).toBe(true)
    const rings = await runInDurableObject(object, (_, { storage }) => storage.getAlarm())
    expect(rings).toBeGreaterThan(clock.now())
  },
)

it('a device that a later release has written gets 503, so that it calls again, and so do admins', async () => {
  const device = await enrolled()
  const object = env.DEVICE.getByName(device.udid)
  const set = async (schema: number): Promise<void> => {
    await runInDurableObject(object, (_, { storage }) => {
      storage.sql.exec('UPDATE device SET schema = ?', schema)
    })
    await evictDurableObject(object)
  }
  await set(6)
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  expect(await device.connect({ Status: 'Idle' })).toMatchObject({ status: 503 })
  expect(await api('GET', `/api/devices/${device.udid}`)).toMatchObject({
    status: 503,
    body: { code: 'unavailable', detail: ROWS_TOO_NEW },
  })
  expect(await api('GET', `/v1/commands/${device.udid}`)).toMatchObject({ status: 503 })
  await set(4)
  expect(await device.connect({ Status: 'Idle' })).toMatchObject({ status: 200 })
})

it('a write keeps the form that the release after has given to the rows', async () => {
  const device = await enrolled()
  const object = env.DEVICE.getByName(device.udid)
  const stored = () =>
    runInDurableObject(object, (_, { storage }) =>
      storage.sql.exec('SELECT schema FROM device').toArray(),
    )
  await runInDurableObject(object, (_, { storage }) => {
    storage.sql.exec('UPDATE device SET schema = 5')
  })
  await evictDurableObject(object)
  await device.tokenUpdate({ token: new Uint8Array(32).fill(7) })
  expect(await stored()).toEqual([{ schema: 5 }])
})
