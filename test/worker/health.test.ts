import { createExecutionContext, runDurableObjectAlarm } from 'cloudflare:test'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { runDailyDuties } from '../../src/cron.ts'
import { requireConfig } from '../../src/config/config.ts'
import type { Env } from '../../src/env.ts'
import worker from '../../src/index.ts'
import { DAILY_LIMIT_TEXT } from '../../src/reason.ts'
import { clock, turn, turnTimers } from './clock.ts'
import { pushCertificate } from './deployment.ts'
import { BASIC, enrolled, env, newDevice, newIdentity, serve, TOPIC, until } from './server.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

interface Ready {
  readonly ready: boolean
  readonly degraded: readonly { id: string; level: string; text: string; fix: string }[]
}

/** A deployment with these bindings in place of the tests' own. */
function deployment(bindings: object) {
  const its = { ...env, ...bindings } as unknown as Env
  return {
    env: its,
    get: (path: string, headers: Record<string, string> = {}) =>
      worker.fetch(
        new Request(`http://mdm.test${path}`, { headers }),
        its,
        createExecutionContext(),
      ) as Promise<Response>,
    ready: async (): Promise<Ready & { status: number }> => {
      const answer = (await worker.fetch(
        new Request('http://mdm.test/readyz', { headers: { authorization: BASIC } }),
        its,
        createExecutionContext(),
      )) as Response
      return { ...(await answer.json<Ready>()), status: answer.status }
    },
  }
}

/** A D1 whose statements all end so. */
function database(outcome: () => Promise<never>): D1Database {
  const statement = { bind: () => statement, all: outcome, run: outcome }
  return { prepare: () => statement, batch: outcome } as unknown as D1Database
}

const failing = (text: string) =>
  database(async () => {
    throw new Error(text)
  })

/** The answer to a call, while time passes until it is there. */
async function patiently<Answer>(call: Promise<Answer>): Promise<Answer> {
  let isOver = false
  const end = call.finally(() => {
    isOver = true
  })
  await until(
    async () => isOver,
    (over) => over,
    () => turnTimers(5000),
  )
  return end
}

afterEach(() => {
  vi.restoreAllMocks()
})

describe('/healthz', () => {
  it('answers without a key, without settings and without storage', async () => {
    const touched = new Proxy(
      {},
      {
        get: () => {
          throw new Error('touched')
        },
      },
    )
    const bare = deployment({ API_KEY: '', SEAL_KEYS: '', DB: touched, CONTROL: touched })
    const response = await bare.get('/healthz')
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({
      ok: true,
      version: expect.any(String),
      now: new Date(clock.now()).toISOString(),
    })
  })
})

describe('/readyz', () => {
  it('says one word without a key, and the reasons with one', async () => {
    const { pem } = pushCertificate(TOPIC, 12)
    const ending = deployment({ PUSH_CERTIFICATE: pem })
    expect(await (await ending.get('/readyz')).json()).toEqual({ ready: true })
    expect(await ending.ready()).toEqual({
      status: 200,
      ready: true,
      degraded: [
        {
          id: 'push.certificate',
          level: 'warn',
          since: expect.stringMatching(/Z$/),
          text: expect.stringMatching(/^the push certificate com\.apple\.\S+ ends in 12 days: 20/),
          fix: expect.stringContaining('renew it'),
          webhook_id: null,
        },
      ],
    })
  })

  it('refuses a wrong key, which it could otherwise test', async () => {
    const response = await serve('/readyz', { headers: { authorization: 'Bearer wrong' } })
    expect(response.status).toBe(401)
  })

  it('is not ready without settings', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    const response = await deployment({ API_KEY: '' }).get('/readyz')
    expect([response.status, await response.json()]).toEqual([503, { ready: false }])
  })

  it.each([
    [
      'D1_ERROR: Network connection lost',
      /^the directory \(D1\) does not answer: .*Network connec/,
    ],
    [
      "D1_ERROR: Your account has exceeded D1's free tier daily row read limit. Upgrade.",
      /^a daily limit of Cloudflare’s free plan is used up/,
    ],
    ['D1_ERROR: no such table: authorities: SQLITE_ERROR', /^the directory is not migrated$/],
  ])('is not ready while D1 fails with %s', async (error, text) => {
    const broken = deployment({ DB: failing(error) })
    expect(await broken.ready()).toMatchObject({
      status: 503,
      ready: false,
      degraded: [{ id: 'directory', level: 'down', text: expect.stringMatching(text) }],
    })
    const plain = await broken.get('/readyz')
    expect([plain.status, await plain.json()]).toEqual([503, { ready: false }])
  })

  it('asks D1 and the object once in 30 s', async () => {
    const asked: string[] = []
    const DB = new Proxy(env.DB, {
      get: (d1, name) => {
        if (name === 'prepare') {
          asked.push('D1')
        }
        const member: unknown = Reflect.get(d1, name)
        return typeof member === 'function' ? member.bind(d1) : member
      },
    })
    const CONTROL = {
      getByName: (name: string) => {
        const stub = env.CONTROL.getByName(name)
        return {
          standing: () => {
            asked.push('Control')
            return stub.standing()
          },
        }
      },
    }
    const watched = deployment({ DB, CONTROL })
    for (const ms of [0, 10_000, 19_999, 1]) {
      turn(ms)
      await watched.get('/readyz')
    }
    expect(asked.toSorted()).toEqual(['Control', 'Control', 'D1', 'D1'])
  })

  it('stays ready without the object that keeps keys, and says so', async () => {
    const CONTROL = {
      getByName: () => ({
        standing: async () => {
          throw new Error('internal error; reference = abc')
        },
      }),
    }
    expect(await deployment({ CONTROL }).ready()).toMatchObject({
      status: 200,
      degraded: [{ id: 'control', level: 'error' }],
    })
  })
})

describe('a D1 that hangs', () => {
  const hanging = deployment({ DB: database(() => new Promise(() => undefined)) })
  const authorization = { authorization: BASIC }

  it('is waited for 5 s by lists and by /readyz', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    const asked = Promise.all([hanging.get('/api/devices', authorization), hanging.ready()])
    const [list, ready] = await patiently(asked)
    expect([list.status, await list.json()]).toMatchObject([503, { code: 'unavailable' }])
    expect(ready).toMatchObject({
      status: 503,
      degraded: [{ text: expect.stringContaining('no answer within 5 s') }],
    })
  })

  it('delays no device that is known', async () => {
    const identity = newIdentity()
    const { udid } = await enrolled({ identity })
    const device = newDevice({
      udid,
      identity,
      fetch: (url, init) =>
        worker.fetch(
          new Request(url, init as RequestInit),
          hanging.env,
          createExecutionContext(),
        ) as Promise<Response>,
    })
    expect((await device.connect({ Status: 'Idle' })).status).toBe(200)
    // It is asked for blueprints 5 s at most.
    expect((await patiently(device.tokenUpdate())).status).toBe(200)
  })
})

describe('the daily duties', () => {
  const its = env as unknown as Env
  const control = env.CONTROL.getByName('control')
  const idsNow = async () => {
    turn(30_000)
    return (await deployment({}).ready()).degraded.map(({ id }) => id)
  }

  it('are done by an object when the cron is late, which probes say', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    await worker.scheduled({} as ScheduledController, its, createExecutionContext())
    const { beats } = await control.standing()
    expect(beats).toMatchObject({ cronAt: clock.now(), dutiesAt: clock.now(), failed: [] })
    expect(await idsNow()).not.toContain('cron')
    turn(26 * HOUR)
    expect(await idsNow()).toContain('cron')
    expect(await runDurableObjectAlarm(control as never)).toBe(true)
    const later = await control.standing()
    expect(later.beats).toMatchObject({ cronAt: beats.cronAt, dutiesAt: clock.now() })
    expect(await idsNow()).toContain('cron')
    await worker.scheduled({} as ScheduledController, its, createExecutionContext())
    expect(await idsNow()).not.toContain('cron')
  })

  it('are not done twice when the alarm rings early', async () => {
    await worker.scheduled({} as ScheduledController, its, createExecutionContext())
    const { beats } = await control.standing()
    turn(DAY)
    await runDurableObjectAlarm(control as never)
    expect((await control.standing()).beats).toEqual(beats)
  })

  it('name the ones that failed', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    const broken = { ...its, DB: failing('D1_ERROR: Network connection lost') } as unknown as Env
    await runDailyDuties(broken, requireConfig(its))
    expect((await deployment({}).ready()).degraded).toContainEqual(
      expect.objectContaining({ id: 'duties', text: expect.stringContaining('declarations') }),
    )
    await worker.scheduled({} as ScheduledController, its, createExecutionContext())
    expect(await idsNow()).not.toContain('duties')
  })
})

it('a daily limit of D1 that is used up is one sentence for admins', async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  const DB = failing("D1_ERROR: Your account has exceeded D1's free tier daily row read limit.")
  for (const [path, key] of [
    ['/api/devices', 'detail'],
    ['/v1/dep-tokens', 'error'],
  ] as const) {
    const answer = await deployment({ DB }).get(path, { authorization: BASIC })
    expect(answer.status).toBe(503)
    expect((await answer.json<Record<string, string>>())[key]).toBe(DAILY_LIMIT_TEXT)
  }
})
