/** What `npm run doctor -- --account` finds in an account, which test/cloudflare plays. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { deployVersions, type Worker } from '../../cloudflare/account.ts'
import { startCloudflare, type Cloudflare } from '../../cloudflare/cloudflare.ts'
import { runDoctor } from './run-doctor.ts'

const SERVER = 'https://edgemdm.example.workers.dev'
const CHECKS = '7,14,26,27,28'
const LOGS = { enabled: true, logs: { enabled: true, invocation_logs: false } }

let cloudflare: Cloudflare

beforeAll(async () => {
  cloudflare = await startCloudflare({ zones: ['example.com'] })
  // What the checks from outside need, on which these depend.
  cloudflare.serve = (request) => {
    const headers = { edgemdm: '0.2.0', 'www-authenticate': 'Basic' }
    return new URL(request.url).pathname === '/version'
      ? Response.json({ version: '0.2.0' }, { headers })
      : new Response(null, { status: 401, headers })
  }
})

afterAll(() => cloudflare.close())

beforeEach(async () => {
  const { account } = cloudflare
  account.workers.clear()
  account.databases.length = 0
  account.queues.length = 0
  account.domains.length = 0
  Object.assign(account, { accessApps: undefined, plan: 'free', usage: new Map() })
  await send('POST', '/d1/database', { name: 'edgemdm' })
  await send('POST', '/queues', { queue_name: 'edgemdm-events' })
  await upload('edgemdm')
  await send('POST', `/queues/${queueId()}/consumers`, { type: 'worker', script_name: 'edgemdm' })
  worker().subdomain = { enabled: true, previews_enabled: false }
})

async function send(method: string, path: string, body: unknown): Promise<void> {
  const { url, account } = cloudflare
  const init = body instanceof FormData ? { body } : { body: JSON.stringify(body) }
  const response = await fetch(`${url}/accounts/${account.id}${path}`, { method, ...init })
  expect(response.status, await response.text()).toBe(200)
}

/** A Worker with the D1 and the queue of the deployment. */
async function upload(name: string, observability: unknown = LOGS): Promise<void> {
  const form = new FormData()
  const bindings = [
    { type: 'd1', name: 'DB', id: cloudflare.account.databases[0]?.uuid },
    { type: 'queue', name: 'EVENTS', queue_name: 'edgemdm-events' },
  ]
  form.set('metadata', JSON.stringify({ bindings, observability }))
  await send('PUT', `/workers/scripts/${name}`, form)
}

const queueId = () => cloudflare.account.queues[0]?.queue_id

function worker(): Worker {
  const found = cloudflare.account.workers.get('edgemdm')
  if (!found) {
    throw new Error('the Worker is not there')
  }
  return found
}

function doctor(server = SERVER, ...more: readonly string[]) {
  return runDoctor(['--server', server, '--account', '--only', CHECKS, ...more], cloudflare.env)
}

/** The results of a check that asks the account. */
async function verdictsOf(number: number) {
  const { of } = await doctor()
  return of(number).filter(({ id }) => id !== 'queue' && id !== 'version')
}

const DEPLOYED = ['access', 'queue.consumer', 'version.split', 'usage', 'logs']

describe('an account without a fault', () => {
  it('passes', async () => {
    const before = cloudflare.calls.length
    const { results, code } = await doctor()
    const seen = results.filter(({ id }) => DEPLOYED.includes(id))
    expect(
      seen.map(({ id, level }) => [id, level]),
      JSON.stringify(seen),
    ).toEqual(DEPLOYED.map((id) => [id, 'ok']))
    expect(code).toBe(0)
    const calls = cloudflare.calls.slice(before).map(({ method, path }) => `${method} ${path}`)
    // A query of GraphQL is sent, and changes nothing.
    expect(calls.filter((call) => !/^GET |^POST \/graphql$/.test(call))).toEqual([])
  })

  it('is found by a custom domain, and by the name of the Worker', async () => {
    const { account } = cloudflare
    const domain = { id: '1', hostname: 'mdm.example.com', service: 'edgemdm' }
    const [zone] = account.zones
    account.domains.push({ ...domain, zone_id: zone?.id ?? '', zone_name: 'example.com' })
    const { of } = await doctor('https://mdm.example.com')
    expect(of(28)).toMatchObject([{ level: 'ok' }])
    account.domains.length = 0
    await expect(doctor('https://mdm.example.com')).rejects.toThrow(
      'no Worker with mdm.example.com at workers.dev or as a custom domain is in the accounts of ' +
        'this login (Example)',
    )
    const named = await doctor('https://edgemdm.example.workers.dev', '--name', 'edgemdm')
    expect(named.of(28)).toMatchObject([{ level: 'ok' }])
  })
})

/** An application of Access with one policy. */
function app(name: string, destination: unknown, policy: unknown) {
  return { name, destinations: [destination], policies: [policy] }
}

const LOGIN = { decision: 'allow', include: [{ email_domain: { domain: 'example.com' } }] }
const PUBLIC = { decision: 'bypass', include: [{ everyone: {} }] }

describe('check 7, Access', () => {
  it.each([
    ['all Workers', { type: 'all_workers' }],
    ['the Worker', { type: 'worker' }],
    ['its host', { type: 'public', uri: 'edgemdm.example.workers.dev' }],
    ['hosts like it', { type: 'public', uri: '*.example.workers.dev/mdm' }],
  ])('finds a login before %s', async (_, place) => {
    const destination = { ...place, worker_id: worker().tag }
    cloudflare.account.accessApps = [app('Staff only', destination, LOGIN)]
    expect(await verdictsOf(7)).toMatchObject([
      {
        level: 'fail',
        seen: expect.stringContaining('"Staff only" wants a login at /mdm/checkin'),
        fix: expect.stringContaining('Bypass'),
      },
    ])
  })

  it('takes the most specific application: the Worker is public, and a path of people is not', async () => {
    cloudflare.account.accessApps = [
      app('All', { type: 'all_workers' }, LOGIN),
      app('MDM', { type: 'worker', worker_id: worker().tag }, PUBLIC),
      app('Other', { type: 'worker', worker_id: 'another' }, LOGIN),
      app('Console', { type: 'public', uri: 'edgemdm.example.workers.dev/console' }, LOGIN),
      app('Site', { type: 'public', uri: 'www.example.com' }, LOGIN),
    ]
    expect(await verdictsOf(7)).toMatchObject([{ level: 'ok' }])
  })

  it('is skipped with the permission that a token lacks', async () => {
    const refusal = { status: 403, code: 10000, message: 'Authentication error' }
    cloudflare.fail({ method: 'GET', path: /^\/access\/apps$/, ...refusal })
    expect(await verdictsOf(7)).toMatchObject([
      { level: 'skip', seen: expect.stringContaining('Access: Apps and Policies Read') },
    ])
  })
})

describe('check 14, the queue', () => {
  it('finds that no Worker reads the queue', async () => {
    cloudflare.account.queues[0]?.consumers.splice(0)
    expect(await verdictsOf(14)).toMatchObject([
      {
        level: 'fail',
        seen: 'the queue edgemdm-events has no consumer',
        fix: 'run `npm run deploy`',
      },
    ])
  })

  function readBy(script: string): void {
    const consumers = cloudflare.account.queues[0]?.consumers
    consumers?.splice(0, 1, { consumer_id: '2', type: 'worker', script, settings: {} })
  }

  it('finds that another Worker reads it', async () => {
    await upload('other')
    readBy('other')
    expect(await verdictsOf(14)).toMatchObject([
      {
        level: 'fail',
        seen: 'other takes events out of the queue edgemdm-events',
        fix: expect.stringContaining('queues consumer remove edgemdm-events'),
      },
    ])
  })

  it('finds a consumer whose Worker is gone, which a deployment removes', async () => {
    readBy('other')
    expect(await verdictsOf(14)).toMatchObject([
      {
        level: 'fail',
        seen: 'the consumer of the queue edgemdm-events is other, a Worker that is gone',
        fix: 'run `npm run deploy`, which removes it',
      },
    ])
  })
})

describe('check 26, versions', () => {
  it('finds a roll-out that has not ended', async () => {
    deployVersions(worker(), [
      { version_id: 'old', percentage: 90 },
      { version_id: 'new', percentage: 10 },
    ])
    expect(await verdictsOf(26)).toMatchObject([
      { level: 'warn', seen: 'the requests are split: 90 % old, 10 % new' },
    ])
  })
})

describe('check 27, the plan', () => {
  const yesterday = () => new Date(Date.now() - 86_400_000).toISOString().slice(0, 10)

  function use(operations: number): void {
    const sum = { billableOperations: operations }
    cloudflare.account.usage?.set(yesterday(), { queueMessageOperationsAdaptiveGroups: sum })
  }

  it('warns above 70 % of a limit of the free plan', async () => {
    use(7100)
    expect(await verdictsOf(27)).toMatchObject([
      { level: 'warn', seen: expect.stringContaining('used 71 % of the queue operations') },
    ])
    use(6900)
    expect(await verdictsOf(27)).toMatchObject([
      { level: 'ok', seen: expect.stringContaining('used 69 % of the queue operations') },
    ])
  })

  it('does not on the paid plan', async () => {
    use(1_000_000)
    cloudflare.account.plan = 'paid'
    expect(await verdictsOf(27)).toMatchObject([{ level: 'ok' }])
  })

  it('says so if the login may not read the plan or the figures', async () => {
    const refusal = { status: 403, code: 10000, message: 'Authentication error' }
    cloudflare.fail({ method: 'GET', path: /^\/subscriptions$/, ...refusal })
    expect(await verdictsOf(27)).toMatchObject([
      { level: 'ok', seen: expect.stringContaining('unknown without Billing Read') },
    ])
    cloudflare.account.usage = undefined
    expect(await verdictsOf(27)).toMatchObject([
      { level: 'skip', seen: expect.stringContaining('Account Analytics Read') },
    ])
  })
})

describe('check 28, logs and names', () => {
  it('finds another Worker with the D1 and the queue', async () => {
    await upload('copy')
    expect(await verdictsOf(28)).toMatchObject([
      {
        level: 'fail',
        seen:
          'the Worker copy uses the D1 of this server too; ' +
          'the Worker copy uses the queue of this server too',
        fix: expect.stringContaining('take the binding out of copy'),
      },
    ])
  })

  it.each([
    ['logs that are off', { enabled: false }, 'Workers Logs are off'],
    ['a record of each call', { enabled: true }, 'each call is logged'],
    [
      'sampled logs',
      { enabled: true, head_sampling_rate: 0.1, logs: { invocation_logs: false } },
      'logs are sampled',
    ],
  ])('warns of %s', async (_, observability, seen) => {
    await upload('edgemdm', observability)
    expect(await verdictsOf(28)).toMatchObject([
      { level: 'warn', seen: expect.stringContaining(seen) },
    ])
  })
})
