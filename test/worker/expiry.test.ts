import { createExecutionContext } from 'cloudflare:test'
import { afterEach, expect, it, vi } from 'vitest'
import type { Env } from '../../src/env.ts'
import worker from '../../src/index.ts'
import { clock, turn } from './clock.ts'
import { pushCertificate } from './deployment.ts'
import { api, env, TOPIC } from './server.ts'
import { DAY, newHook, removeHooks } from './webhook-tools.ts'

const HOUR = DAY / 24

interface ExpiryEvent {
  readonly topic: string
  readonly server_event: { name: string; not_after: string; days_left: number; fix: string }
}

async function cron(bindings: object): Promise<void> {
  await worker.scheduled(
    {} as ScheduledController,
    { ...env, ...bindings } as unknown as Env,
    createExecutionContext(),
  )
}

afterEach(async () => {
  vi.restoreAllMocks()
  await removeHooks()
})

it('webhooks and the log hear once of each notice, and daily after the end', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  const hook = await newHook({ topics: ['expiry.push_certificate'] })
  const { pem } = pushCertificate(TOPIC, 31)
  const ending = { PUSH_CERTIFICATE: pem }
  const end = new Date(Math.floor((clock.now() + 31.5 * DAY) / 1000) * 1000).toISOString()
  // The first run tells that less than 60 days are left; the day with 30 is missed.
  for (const days of [0, 0, 1, 4, 1, 23, 2, 1]) {
    turn(days * DAY)
    await cron(ending)
  }
  const events = (await hook.events('server_event', 5)) as unknown as ExpiryEvent[]
  expect(events.map(({ server_event: told }) => told.days_left)).toEqual(
    [31, 26, 2, 0, 0].slice(0, 5),
  )
  expect(events[0]).toMatchObject({
    topic: 'expiry.push_certificate',
    server_event: { name: TOPIC, not_after: end, days_left: 31, count: null },
  })
  const notices = warn.mock.calls
    .map(([line]) => JSON.parse(String(line)) as Record<string, unknown>)
    .filter(({ event }) => event === 'expiry:notice')
  expect(notices).toHaveLength(5)
  expect(notices[0]).toMatchObject({ kind: 'push_certificate', days_left: 31, level: 'warn' })
})

it('an event that its outbox does not take is told the next time', async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  const hook = await newHook({ topics: ['expiry.push_certificate'] })
  const { pem } = pushCertificate(TOPIC, 6)
  const DEVICE = {
    getByName: () => ({
      recordServerNews: async () => {
        throw new Error('gone')
      },
    }),
  }
  await cron({ PUSH_CERTIFICATE: pem, DEVICE })
  turn(HOUR)
  await cron({ PUSH_CERTIFICATE: pem })
  turn(HOUR)
  await cron({ PUSH_CERTIFICATE: pem })
  const events = await hook.events('server_event', 1)
  expect(events).toHaveLength(1)
})

it('an API key that ends soon is in the health of the server', async () => {
  const control = env.CONTROL.getByName('control')
  const made = await control.createKey({
    id: 'expiring00',
    secretHash: new Uint8Array(32),
    name: 'ci',
    scopes: ['read'],
    expiresAt: clock.now() + 10 * DAY,
    by: 'test',
  })
  expect(made.kind).toBe('created')
  const { body } = await api<{ checks: { id: string; findings: object[] }[] }>('GET', '/api/health')
  expect(body.checks.find(({ id }) => id === 'api.key')?.findings).toMatchObject([
    { level: 'warn', text: expect.stringMatching(/^the API key ci ends in 10 days: /) },
  ])
})
