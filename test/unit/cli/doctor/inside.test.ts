import { describe, expect, it } from 'vitest'
import type { DoctorResult, ServerFinding } from '../../../../src/cli/doctor/check.ts'
import { INSIDE_CHECKS } from '../../../../src/cli/doctor/inside/checks.ts'
import { CHECKS } from '../../../../src/health/checks.ts'
import { runChecks } from '../../../../src/cli/doctor/run.ts'

const URL_HERE = 'https://mdm.example.com'

type Findings = Readonly<Record<string, readonly ServerFinding[]>>

interface Answers {
  /** Findings of `GET /api/health` by check; the checks that are not named find nothing. */
  readonly health?: Findings
  /** Ids of checks that could not run. */
  readonly unknown?: readonly string[]
  readonly pushTopic?: string | null
  /** Findings of probes, by `PROBE ID`. */
  readonly probes?: Findings
  /** Answers in place of the usual ones, by method and path. */
  readonly others?: Readonly<Record<string, () => Response>>
}

const HEALTH_IDS = CHECKS.map(({ id }) => id)

/** Method and path. */
function callOf(...[input, init]: Parameters<typeof fetch>): string {
  const { method, url } = new Request(input, init)
  return `${method} ${new URL(url).pathname}`
}

/** A server that answers with what a real one was seen to answer. */
function serverWith(answers: Answers): typeof fetch {
  const { health = {}, unknown = [], probes = {}, others = {}, pushTopic = 'topic' } = answers
  return (input, init) => {
    const call = callOf(input, init)
    const other = others[call]?.()
    const probe = /^POST \/api\/health\/probes\/(\w+)$/.exec(call)?.[1]
    if (other) {
      return Promise.resolve(other)
    }
    if (call === 'GET /api/health') {
      const checks = HEALTH_IDS.map((id) => ({
        id,
        title: id,
        known: !unknown.includes(id),
        findings: health[id] ?? [],
      }))
      const facts = { public_url: URL_HERE, push_topic: pushTopic }
      return Promise.resolve(Response.json({ ready: true, checked_at: '', checks, ...facts }))
    }
    if (probe !== undefined) {
      const findings = Object.entries(probes).flatMap(([name, found]) => {
        const [of, id] = name.split(' ')
        return of === probe ? found.map((one) => ({ ...one, id })) : []
      })
      return Promise.resolve(Response.json({ probe, seen: `tried ${probe}`, findings }))
    }
    return Promise.resolve(Response.json({ items: [], next: null }))
  }
}

async function examine(
  answers: Answers,
  numbers: readonly number[],
): Promise<readonly DoctorResult[]> {
  return runChecks(
    INSIDE_CHECKS,
    ({ number }) => numbers.includes(number),
    { url: URL_HERE, key: 'a key', isLocal: false, version: '1.0.0' },
    { fetch: serverWith(answers), now: () => 0, timeout: () => new AbortController().signal },
  )
}

const ALL = INSIDE_CHECKS.map(({ number }) => number)

function finding(level: ServerFinding['level'], text: string, fix = 'the remedy'): ServerFinding {
  return { level, text, fix, since: null }
}

describe('a server without a fault', () => {
  it('passes', async () => {
    const results = await examine({}, ALL)
    const bad = results.filter(({ level }) => level !== 'ok')
    expect(bad.map(({ number, level }) => [number, level])).toEqual([
      [24, 'skip'],
      [25, 'skip'],
    ])
    expect(bad[0]?.seen).toBe('not in this release: a frozen mode with a brake, and backups')
  })

  it('is asked once for its health, and once for a sample of devices', async () => {
    const calls: string[] = []
    const answer = serverWith({})
    await runChecks(
      INSIDE_CHECKS,
      () => true,
      { url: URL_HERE, key: 'a key', isLocal: false, version: '1.0.0' },
      {
        fetch: (input, init) => {
          calls.push(callOf(input, init))
          return answer(input, init)
        },
        now: () => 0,
        timeout: () => new AbortController().signal,
      },
    )
    expect(calls.toSorted()).toEqual([
      'GET /api/health',
      'GET /api/webhooks',
      'POST /api/health/probes/devices',
      'POST /api/health/probes/objects',
      'POST /api/health/probes/push',
      'POST /api/health/probes/queue',
    ])
  })
})

describe('what the server finds', () => {
  it('is in one check, for each check of the server', async () => {
    const found = HEALTH_IDS.map(async (id) => {
      const results = await examine({ health: { [id]: [finding('error', `${id} is bad`)] } }, ALL)
      const failed = results.filter(({ level }) => level === 'fail')
      return [id, failed.map(({ number }) => number).join()]
    })
    expect(Object.fromEntries(await Promise.all(found))).toEqual({
      config: '9',
      'api.key': '9',
      directory: '12',
      version: '12',
      control: '13',
      webhooks: '15',
      'push.binding': '16',
      'push.circuit': '16',
      'push.certificate': '17',
      'push.topic': '17',
      ca: '18',
      identities: '18',
      'profile.signing': '18',
      'dep.token': '19',
      'dep.sync': '19',
      cron: '20',
      duties: '20',
      seal: '22',
    })
  })

  it.each([
    ['warn', 'warn'],
    ['error', 'fail'],
    ['down', 'fail'],
  ] as const)('of level %s is shown as %s, with its remedy', async (level, shown) => {
    const cron = [finding(level, 'the daily cron has never run', 'look at the triggers')]
    expect(await examine({ health: { cron } }, [20])).toMatchObject([
      { level: shown, seen: 'the daily cron has never run', fix: 'look at the triggers' },
    ])
  })

  // What a server of `npm start` cannot be made to say, in the words of the worker tests.
  it.each([
    [13, 'objects', 'an object could not write, or did not get its alarm: no answer within 5 s'],
    [17, 'devices push.topic', '1 of 3 devices enrolled with another topic'],
    [21, 'devices devices', 'devices do not answer: no answer within 10 s'],
    [22, 'devices devices.seal', '1 of 3 devices keep values that are sealed with a lost key'],
    [23, 'devices devices.rows', '1 of 3 devices are in the list, and their objects hold none'],
  ])('by a probe is in check %i: %s', async (number, name, text) => {
    const probe = name.includes(' ') ? name : `${name} ${name}`
    const results = await examine({ probes: { [probe]: [finding('error', text)] } }, ALL)
    const failed = results.filter(({ level }) => level === 'fail')
    expect(failed).toMatchObject([{ number, seen: text, fix: 'the remedy' }])
  })

  it.each([
    [19, 'dep.sync', 'Apple refuses the account Example: its new terms are not accepted'],
    [20, 'cron', 'the daily cron ran last at 2026-11-20T03:17:00.000Z'],
    [20, 'duties', 'the last daily duties failed: renewals'],
  ])('by itself is in check %i: %s', async (number, id, text) => {
    const results = await examine({ health: { [id]: [finding('warn', text)] } }, ALL)
    const warned = results.filter(({ level }) => level === 'warn')
    expect(warned).toMatchObject([{ number, seen: text, fix: 'the remedy' }])
  })

  it('is one line, with the worst first and three at most', async () => {
    const ca = [finding('warn', 'a'), finding('error', 'b', 'other'), finding('warn', 'c')]
    const identities = [finding('warn', 'd')]
    expect(await examine({ health: { ca, identities } }, [18])).toMatchObject([
      { level: 'fail', seen: 'b; a; c; and 1 more', fix: 'other; the remedy' },
    ])
  })

  it('is skipped where the server could not look', async () => {
    expect(await examine({ unknown: ['dep.sync'] }, [19])).toMatchObject([
      { level: 'skip', seen: 'the server does not know about dep.sync' },
    ])
  })

  it('is a warning for a server that has never had a push certificate', async () => {
    const health = { 'push.binding': [finding('error', 'there is no push certificate')] }
    expect(await examine({ health, pushTopic: null }, [16])).toMatchObject([{ level: 'warn' }])
    expect(await examine({ health }, [16])).toMatchObject([{ level: 'fail' }])
  })
})

describe('a server that gives no health', () => {
  it('fails check 9 with its sentence, and the others wait for that', async () => {
    const refuse = () =>
      Response.json({ code: 'not_configured', detail: 'API_KEY is an example' }, { status: 503 })
    const results = await examine({ others: { 'GET /api/health': refuse } }, [9, 12, 20])
    expect(results).toMatchObject([
      { level: 'fail', seen: expect.stringContaining('API_KEY is an example') },
      { level: 'skip', seen: 'they need 9' },
      { level: 'skip', seen: 'they need 9' },
    ])
  })
})

it.each([
  { seen: 5, findings: [] },
  { seen: 'a' },
  { seen: 'a', findings: [{ id: 'queue', level: 'error', text: 'b', fix: 7 }] },
  null,
])('an answer that is none of a probe fails its check: %j', async (answer) => {
  const others = { 'POST /api/health/probes/queue': () => Response.json(answer) }
  expect(await examine({ others }, [14])).toMatchObject([
    {
      level: 'fail',
      seen: '/api/health/probes/queue does not answer as EdgeMDM does, so something else answers there',
    },
  ])
})

describe('a key without the scope config', () => {
  const refuse = () =>
    Response.json(
      { code: 'forbidden', detail: 'key "ci" lacks scope config: use a key that has it' },
      { status: 403 },
    )
  const others = {
    'POST /api/health/probes/objects': refuse,
    'POST /api/health/probes/queue': refuse,
    'POST /api/health/probes/push': refuse,
    'POST /api/health/probes/devices': refuse,
    'GET /api/webhooks': () =>
      Response.json({ items: [{ id: 'w', url: 'https://a', state: 'active' }], next: null }),
    'POST /api/webhooks/w/test': refuse,
  }

  it('skips what tries something, and says why in one line', async () => {
    const results = await examine({ others }, ALL)
    const skipped = results.filter(({ seen }) => seen === 'the key "ci" lacks scope config')
    expect(skipped.map(({ number, level }) => [number, level])).toEqual(
      [13, 14, 15, 16, 21, 22, 23].map((number) => [number, 'skip']),
    )
    expect(results.filter(({ level }) => level === 'fail')).toEqual([])
  })
})
