/** Each entry of the Worker works with keys that Control alone has, as the first call of an isolate. */
import {
  createExecutionContext,
  createMessageBatch,
  runInDurableObject,
  waitOnExecutionContext,
} from 'cloudflare:test'
import { expect, it, vi } from 'vitest'
import { requireConfig } from '../../src/config/config.ts'
import worker, {
  Audit,
  Control,
  DepAccount,
  Device,
  Duties,
  Job,
  Push,
  Subscriber,
} from '../../src/index.ts'
import type { Env } from '../../src/env.ts'
import { claimedServer } from './claim-tools.ts'
import { env } from './server.ts'

const CLASSES = { Audit, DepAccount, Device, Job, Push, Subscriber }
const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
const server = await claimedServer()

/** The bindings of a new isolate. */
function newEnv(): Env {
  const CONTROL = { getByName: server.control }
  return { ...env, API_KEY: '', SEAL_KEYS: '', CONTROL } as unknown as Env
}

/** Rings the alarm of an object of this class, which is the first call of its isolate. */
async function alarmOf(object: keyof typeof CLASSES, its: Env): Promise<void> {
  await runInDurableObject(env.DEVICE.getByName(crypto.randomUUID()), async (_, state) => {
    const own = new (CLASSES[object] as typeof Device)(state, its)
    await own.alarm()
  })
}

it.each(['Audit', 'DepAccount', 'Device', 'Job', 'Push', 'Subscriber'] as const)(
  'the alarm of the class %s',
  async (object) => {
    const its = newEnv()
    expect(() => requireConfig(its)).toThrow('SEAL_KEYS is not set')
    await alarmOf(object, its)
    expect(requireConfig(its).sealKeys).toMatchObject([{ place: 'control' }])
  },
)

it('the consumer of the queue, the cron, and the duties that Control begins', async () => {
  const [queue, cron, duties] = [newEnv(), newEnv(), newEnv()]
  const context = createExecutionContext()
  const batch = createMessageBatch('edgemdm-events', [
    { id: '1', timestamp: new Date(), attempts: 1, body: { device: 'D', readers: ['none'] } },
  ])
  await worker.queue(batch as never, queue, context)
  await worker.scheduled({} as ScheduledController, cron, context)
  await new Duties(context, duties).run()
  await waitOnExecutionContext(context)
  for (const its of [queue, cron, duties]) {
    expect(requireConfig(its).sealKeys).toMatchObject([{ place: 'control' }])
  }
  expect(warned.mock.calls.filter(([line]) => /failed/.test(String(line)))).toEqual([])
})

it('Control itself is asked by the others, and asks itself nothing', async () => {
  const its = { ...newEnv(), CONTROL: { getByName: () => Promise.reject(new Error('away')) } }
  await runInDurableObject(env.DEVICE.getByName(crypto.randomUUID()), async (_, state) => {
    expect(await new Control(state, its as never).claimView()).toEqual({ ring: '' })
  })
})
