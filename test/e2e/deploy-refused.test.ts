/** What stops `npm run deploy`, with wrangler's own code where its words count. */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { activeVersion, addWorker } from '../cloudflare/account.ts'
import { pushCertificate } from './apns.ts'
import { type Cloudflare, startCloudflare } from '../cloudflare/cloudflare.ts'
import { changesIn, deployWith, newProject, standInServer } from './deploy-tools.ts'
import { newState } from './server.ts'

const KEYS = {
  API_KEY: 'the key of the api',
  SEAL_KEYS: `k1:${randomBytes(32).toString('base64')}`,
}
const LATER = 10 * 60_000
const running: Cloudflare[] = []
let project = ''

beforeAll(async () => {
  project = await newProject()
})
afterEach(() => vi.unstubAllGlobals())
afterAll(() => Promise.all(running.map((cf) => cf.close())))

async function cloudflare(options?: Parameters<typeof startCloudflare>[0]): Promise<Cloudflare> {
  const cf = await startCloudflare(options)
  running.push(cf)
  cf.serve = standInServer().serve
  return cf
}

const place = async () => ({ project, state: await newState() })

describe('in an account with a deployment', () => {
  const state = newState()
  const account = cloudflare({ zones: ['example.com'] })
  const { server, serve } = standInServer()

  beforeAll(async () => {
    const cf = await account
    cf.serve = serve
    expect(await deployWith(cf, { project, state: await state }, ['--yes'])).toMatchObject({
      exit: 0,
    })
  })

  it('another one asks for its answers, has all of its own, and waits for its first device', async () => {
    const cf = await account
    const at = await place()
    const from = cf.calls.length
    expect(await deployWith(cf, at, [], { answers: ['acme', '', 'n'] })).toMatchObject({ exit: 2 })
    expect(changesIn(cf, from)).toEqual([])
    const answers = ['acme', 'mdm.example.com', '']
    const { exit, printed } = await deployWith(cf, at, [], { answers })
    expect([exit, answers]).toEqual([0, []])
    expect(printed).toMatch(
      /Name of the deployment \[edgemdm\][^]*Host name[^]*Continue\? \[Y\/n\]/,
    )
    // No device can enrol without a push certificate, so none is waited for.
    expect(printed).toMatch(/Enrol +https:\/\/host\/\?token=the-token/)
    expect(printed).not.toContain('Waiting for the first device')
    const { certPem, keyPem } = pushCertificate('com.apple.mgmt.External.acme', 365)
    const [cert, key] = ['cert', 'key'].map((kind) => join(at.state, kind))
    await Promise.all([writeFile(cert ?? '', certPem), writeFile(key ?? '', keyPem)])
    server.devicesFrom = server.looks + 3
    const flags = ['--again', '--push-cert', cert ?? '', '--push-key', key ?? '']
    const pushed = await deployWith(cf, at, flags, { answers: [''] })
    expect([pushed.exit, server.looks]).toEqual([0, server.devicesFrom + 1])
    expect(pushed.printed).toMatch(/Enrol +https:[^]*The first device has enrolled/)
    const { databases, queues, workers } = cf.account
    expect(databases.map(({ name }) => name)).toEqual(['edgemdm', 'acme'])
    expect(queues.map((queue) => [queue.queue_name, queue.consumers.length])).toEqual([
      ['edgemdm-events', 1],
      ['acme-events', 1],
    ])
    const bound = (name: string) =>
      activeVersion(workers.get(name))?.bindings.find(({ type }) => type === 'd1')
    expect(bound('acme')).not.toEqual(bound('edgemdm'))
    await mkdir(join(at.state, 'deployments/edgemdm'))
    expect(await deployWith(cf, at, ['--yes'])).toMatchObject({
      exit: 2,
      failure: { remedy: expect.stringContaining('--name') },
    })
  })

  it('the name, D1, queue and host name of another Worker are left to it', async () => {
    const cf = await account
    const at = { project, state: await state }
    // As `wrangler deploy --name second` would leave it: bound to the first one's D1.
    const bindings = activeVersion(cf.account.workers.get('edgemdm'))?.bindings ?? []
    const withoutQueue = bindings.filter(({ type }) => type !== 'queue')
    addWorker(cf.account, 'second', withoutQueue)
    addWorker(cf.account, 'shop', [{ name: 'KV', type: 'kv_namespace' }])
    const zone = { zone_id: 'z', zone_name: 'example.com' }
    cf.account.domains.push({ ...zone, id: 'd', hostname: 'shop.example.com', service: 'shop' })
    const from = cf.calls.length
    const tries = [
      [await place(), ['--name', 'shop'], /Worker shop is another application/],
      [await place(), ['--name', 'second'], /second uses another D1 than second/],
      [await place(), ['--secrets', 'x'], /D1 edgemdm belongs to the Worker second/],
      [at, ['--host', 'shop.example.com'], /shop.example.com leads to the Worker shop/],
    ] as const
    for (const [where, args, fault] of tries) {
      const refused = await deployWith(cf, where, ['--yes', ...args], { later: LATER })
      expect([refused.exit, refused.failure?.fault]).toEqual([3, expect.stringMatching(fault)])
    }
    cf.account.workers.delete('second')
    const consumers = cf.account.queues[0]?.consumers
    consumers?.push({ consumer_id: 'c', type: 'worker', script: 'shop', settings: {} })
    expect(await deployWith(cf, at, ['--yes'], { later: LATER })).toMatchObject({
      exit: 3,
      failure: {
        fault: 'the queue edgemdm-events belongs to the Worker shop, which reads from it',
        remedy: expect.stringContaining('queues consumer remove edgemdm-events shop'),
      },
    })
    consumers?.pop()
    expect(changesIn(cf, from)).toEqual([])
  })

  it('a queue without a reader gets its own one back, without a deploy', async () => {
    const cf = await account
    const at = { project, state: await state }
    const [queue] = cf.account.queues
    const versions = cf.account.workers.get('edgemdm')?.versions.length
    const gone = { consumer_id: 'c', type: 'worker', script: 'gone', settings: {} }
    for (const consumers of [[], [gone]]) {
      queue?.consumers.splice(0, 1, ...consumers)
      const repaired = await deployWith(cf, at, ['--yes'], { later: LATER })
      const steps = consumers.length > 0 ? ['free', 'consume'] : ['consume']
      expect(repaired).toMatchObject({ exit: 0, steps })
      const reads = consumers.length > 0 ? /gone, which is gone, reads from it/ : /no Worker reads/
      expect(repaired.plan?.items).toContainEqual({
        what: 'queue',
        change: 'changed',
        detail: expect.stringMatching(reads),
      })
      expect(queue?.consumers).toMatchObject([
        { script: 'edgemdm', settings: { batch_size: 100, max_retries: 0 } },
      ])
    }
    expect(cf.account.workers.get('edgemdm')?.versions).toHaveLength(versions ?? 0)
  })

  it('a live server without its keys here is refused, and taken over with them', async () => {
    const cf = await account
    const [from, at] = [cf.calls.length, await place()]
    expect(await deployWith(cf, at, ['--yes'])).toMatchObject({
      exit: 3,
      failure: {
        remedy: expect.stringMatching(/copy .*secrets\.json from the machine.*--secrets FILE/),
      },
    })
    // The database is still there when the Worker is not.
    const worker = cf.account.workers.get('edgemdm')
    cf.account.workers.delete('edgemdm')
    expect(await deployWith(cf, at, ['--yes'])).toMatchObject({
      exit: 3,
      failure: { fault: expect.stringContaining('other keys have sealed') },
    })
    expect(changesIn(cf, from)).toEqual([])
    if (worker) {
      cf.account.workers.set('edgemdm', worker)
    }
    const file = join(at.state, '.dev.vars')
    await writeFile(file, `API_KEY=${KEYS.API_KEY}\nSEAL_KEYS=${KEYS.SEAL_KEYS}\n`)
    const taken = await deployWith(cf, at, ['--yes', '--secrets', file], { later: LATER })
    expect(taken).toMatchObject({ exit: 0, steps: ['keep', 'deploy', 'answer', 'authority'] })
    // The ones that the server has are not replaced.
    const deployed = activeVersion(worker)?.bindings.find(({ name }) => name === 'SEAL_KEYS')
    expect(deployed?.['text']).not.toBe(KEYS.SEAL_KEYS)
    const kept = await readFile(join(at.state, 'deployments/edgemdm/secrets.json'), 'utf8')
    expect(JSON.parse(kept)).toEqual(KEYS)
  })
})

it('what is missing before the first step is named, and nothing is made', async () => {
  const [none, two, bare, narrow, zoned] = await Promise.all([
    cloudflare(),
    cloudflare({ accounts: ['One', 'Two'] }),
    cloudflare({ subdomain: null }),
    cloudflare(),
    cloudflare({ zones: ['example.com'] }),
  ])
  narrow.fail({ method: 'GET', path: /^\/d1/, status: 403, code: 10000, message: 'no', times: 99 })
  const tries = [
    [none, { CLOUDFLARE_API_TOKEN: '' }, 2, /npx wrangler login/],
    [two, {}, 2, /--account/],
    [bare, {}, 2, /--host/],
    [narrow, {}, 1, /lacks D1 Edit/],
  ] as const
  for (const [cf, env, exit, remedy] of tries) {
    const stopped = await deployWith(cf, await place(), ['--yes'], { env })
    expect([stopped.exit, stopped.failure?.remedy]).toEqual([exit, expect.stringMatching(remedy)])
    expect(changesIn(cf)).toEqual([])
  }
  const plan = await deployWith(none, await place(), ['--dry-run'], {
    env: { CLOUDFLARE_API_TOKEN: '' },
  })
  expect(plan).toMatchObject({ exit: 0, plan: { steps: expect.arrayContaining(['deploy']) } })
  expect(plan.printed).toContain('Without a login, what the account has already is shown as new')
  const at = await place()
  expect(await deployWith(two, at, ['--dry-run', '--account', 'Two'])).toMatchObject({
    exit: 0,
    plan: { account: 'Two' },
    printed: expect.stringContaining('Nothing is changed. `npm run deploy -- --state '),
  })
  const typo = ['--yes', '--host', 'mdm.exmaple.com']
  expect(await deployWith(zoned, at, typo)).toMatchObject({
    exit: 2,
    failure: { fault: 'the account Example has no zone for mdm.exmaple.com' },
  })
  expect(changesIn(zoned)).toEqual([])
  expect(existsSync(join(at.state, 'deployments'))).toBe(false)
})

it('settings that would stop the server are refused before anything is changed', async () => {
  const cf = await cloudflare()
  const at = await place()
  const file = join(at.state, 'mine.toml')
  const tries = [
    [undefined, /mine\.toml: there is no such file/],
    ['a = 1\nvars.ORGANIZATION = Example', /mine\.toml, line 2, cannot be read/],
    ['vars.ENROLLMENT = "opne"', /would refuse these settings: ENROLLMENT: /],
    ['vars.ORGANISATION = "Example"', /no such setting: did you mean ORGANIZATION\?/],
    ['ORGANIZATION = "Example"', /no such key: did you mean vars\.ORGANIZATION\?/],
    ['name = "x"', /name in the settings: it follows from the deployment/],
    ['vars.API_KEY = "x"', /vars\.API_KEY in the settings: it is a secret/],
  ] as const
  for (const [text, fault] of tries) {
    if (text !== undefined) {
      await writeFile(file, text)
    }
    const { exit, failure } = await deployWith(cf, at, ['--yes', '--settings', file])
    expect([exit, failure?.fault]).toEqual([2, expect.stringMatching(fault)])
  }
  expect(changesIn(cf)).toEqual([])
})

it('after a fault behind the upload, the cause is named and the next run repairs', async () => {
  const cf = await cloudflare({ zones: ['example.com'] })
  const at = await place()
  addWorker(cf.account, 'shop', [], ['0 * * * *', '1 * * * *'])
  const fail = (method: string, path: RegExp, code: number, message: string) =>
    cf.fail({ method, path, status: 400, code, message })
  const run = (...args: string[]) => deployWith(cf, at, ['--yes', ...args])
  fail('POST', /consumers$/, 11004, 'Queue already has a consumer')
  expect(await run('--host', 'mdm.example.com')).toMatchObject({
    exit: 1,
    failure: { step: 'deploy', fault: expect.stringContaining('11004') },
  })
  fail('PUT', /schedules$/, 10072, 'This account has reached the limit of 5 cron triggers.')
  expect(await run()).toMatchObject({
    exit: 1,
    failure: { step: 'deploy', remedy: expect.stringContaining('held by shop (2)') },
  })
  fail('PUT', /domains\/records$/, 100117, "Hostname 'mdm.example.com' already has DNS records")
  expect(await run()).toMatchObject({
    exit: 1,
    failure: {
      fault: expect.stringContaining('100117'),
      remedy: expect.stringContaining('delete the DNS'),
    },
  })
  expect(cf.account.workers.get('edgemdm')?.subdomain.enabled).toBe(true)
  expect(await run()).toMatchObject({ exit: 0, steps: expect.arrayContaining(['deploy', 'close']) })
  expect(cf.account.queues[0]?.consumers).toMatchObject([{ script: 'edgemdm' }])
  expect(cf.account.workers.get('edgemdm')?.subdomain.enabled).toBe(false)

  await mkdir(join(at.project, 'src/fresh'), { recursive: true })
  await writeFile(join(at.project, 'src/fresh/a.ts'), 'export {}')
  expect(await run('--host', 'mdm.example.com')).toMatchObject({
    exit: 2,
    failure: { remedy: expect.stringContaining('--again') },
  })
  await rm(join(at.project, 'src/fresh'), { recursive: true })
})
