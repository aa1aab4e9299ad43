/** `npm run deploy` against test/cloudflare, with wrangler's own code. */
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { activeVersion } from '../cloudflare/account.ts'
import { type Cloudflare, startCloudflare } from '../cloudflare/cloudflare.ts'
import { addMigration, changesIn, deployWith, newProject, standInServer } from './deploy-tools.ts'
import { pushCertificate } from './apns.ts'
import { newState } from './server.ts'

const LATER = 10 * 60_000
const running: Cloudflare[] = []
let shared = ''

beforeAll(async () => {
  shared = await newProject()
})
afterEach(() => vi.unstubAllGlobals())
afterAll(() => Promise.all(running.map((cf) => cf.close())))

async function cloudflare(options?: Parameters<typeof startCloudflare>[0]) {
  const cf = await startCloudflare(options)
  running.push(cf)
  const { server, serve } = standInServer()
  cf.serve = serve
  return { cf, server }
}

const place = async (project = shared) => ({ project, state: await newState() })
const applied = ({ account }: Cloudflare) =>
  account.databases[0]?.sql.prepare('SELECT name FROM d1_migrations').all() ?? []

it('a first deploy makes everything, the second nothing, and a third what differs, if its migrations pass', async () => {
  const { cf, server } = await cloudflare({ zones: ['example.com'] })
  const at = await place(await newProject())
  const folder = join(at.state, 'deployments/edgemdm')
  const first = await deployWith(cf, at, ['--yes', '--host', 'mdm.example.com'])
  expect(first).toMatchObject({
    exit: 0,
    steps: ['keep', 'deploy', 'migrate', 'answer', 'authority', 'close'],
  })
  const worker = cf.account.workers.get('edgemdm')
  const secrets = JSON.parse(await readFile(join(folder, 'secrets.json'), 'utf8'))
  expect((await stat(join(folder, 'secrets.json'))).mode & 0o777).toBe(0o600)
  const text = (name: string) =>
    activeVersion(worker)?.bindings.find((binding) => binding.name === name)?.['text']
  expect([text('API_KEY'), text('SEAL_KEYS')]).toEqual([secrets.API_KEY, secrets.SEAL_KEYS])
  expect(text('PUBLIC_URL')).toBe('https://mdm.example.com')
  expect(worker?.subdomain.enabled).toBe(false)
  expect(cf.account.domains).toMatchObject([{ hostname: 'mdm.example.com', service: 'edgemdm' }])
  expect(applied(cf)).toHaveLength(2)
  expect(server).toMatchObject({ authorities: 1, keys: new Set([secrets.API_KEY]) })
  for (const secret of [secrets.API_KEY, secrets.SEAL_KEYS]) {
    expect(first.printed).not.toContain(secret)
  }

  const [before, shown] = [cf.calls.length, server.authorities]
  const second = await deployWith(cf, at, ['--yes'], { later: LATER })
  expect(second).toMatchObject({ exit: 0, steps: [] })
  expect(second.plan?.items.filter(({ change }) => change !== 'unchanged')).toEqual([])
  expect([changesIn(cf, before), server.authorities]).toEqual([[], shown])

  const settings = join(folder, 'settings.toml')
  await writeFile(settings, `${await readFile(settings, 'utf8')}\nvars.ORGANIZATION = "Example"\n`)
  await addMigration(at.project, '0002_third.sql', 'CREATE TABLE devices (id)')
  const failed = await deployWith(cf, at, ['--yes'], { later: LATER })
  expect(failed).toMatchObject({
    exit: 1,
    steps: [],
    failure: { step: 'migrate', fault: expect.stringContaining('already exists') },
  })
  expect(changesIn(cf, before)).toEqual([])
  await addMigration(at.project, '0002_third.sql', 'CREATE TABLE third (id)')
  const from = cf.calls.length
  const third = await deployWith(cf, at, ['--yes'], { later: LATER })
  expect(third).toMatchObject({ exit: 0, steps: ['migrate', 'deploy', 'answer'] })
  expect(third.plan?.items).toContainEqual({
    what: 'settings',
    change: 'changed',
    detail: 'vars.ORGANIZATION',
  })
  const calls = cf.calls.slice(from).map(({ method, path }) => `${method} ${path}`)
  const migration = calls.findLastIndex((call) => call.endsWith('/query'))
  expect(migration).toBeLessThan(calls.indexOf('PUT /workers/scripts/edgemdm'))
  expect(text('ORGANIZATION')).toBe('Example')
  expect(cf.account.domains).toMatchObject([{ hostname: 'mdm.example.com', service: 'edgemdm' }])
})

it('each call that changes something fails once, and each next run goes on, with one of everything', async () => {
  const { cf, server } = await cloudflare()
  const at = await place()
  // Of those that make something, the answer alone is lost once more.
  const calls: [method: string, path: RegExp, loses?: true][] = [
    ['GET', /^\/workers\/scripts\/edgemdm\/settings$/],
    ['POST', /^\/d1\/database$/, true],
    ['POST', /^\/queues$/, true],
    ['PUT', /^\/workers\/scripts\/edgemdm$/, true],
    ['POST', /subdomain$/],
    ['PUT', /schedules$/],
    ['POST', /consumers$/],
    ['POST', /query$/],
  ]
  for (const [method, path, loses] of calls) {
    const fault = { method, path, status: 500, code: 10013, message: 'a fault of ours' }
    cf.fail(fault)
    if (loses) {
      cf.fail({ ...fault, afterwards: true })
    }
  }
  let runs = 0
  for (let exit = 1; exit !== 0; runs++) {
    expect(runs).toBeLessThan(2 * calls.length)
    const { exit: code, failure } = await deployWith(cf, at, ['--yes'])
    expect(code, JSON.stringify(failure)).toBeLessThanOrEqual(1)
    exit = code
  }
  expect(runs).toBeGreaterThan(2)
  const { databases, queues, workers } = cf.account
  expect([databases.length, queues.length, workers.size]).toEqual([1, 1, 1])
  expect(queues[0]?.consumers).toMatchObject([{ script: 'edgemdm' }])
  expect(workers.get('edgemdm')).toMatchObject({
    crons: ['17 3 * * *'],
    subdomain: { enabled: true },
  })
  expect(applied(cf)).toHaveLength(2)
  const kept = await readFile(join(at.state, 'deployments/edgemdm/secrets.json'), 'utf8')
  expect(server).toMatchObject({ authorities: 1, keys: new Set([JSON.parse(kept).API_KEY]) })
})

it('a push certificate is uploaded once, bound by every later deploy, and not replaced by another topic', async () => {
  const { cf } = await cloudflare()
  const at = await place()
  const flagsFor = async (topic: string, days: number) => {
    const { certPem, keyPem } = pushCertificate(`com.apple.mgmt.External.${topic}`, days)
    const files = ['cert', 'key'].map((kind) => join(at.state, `${topic}${days}.${kind}`))
    await Promise.all([writeFile(files[0] ?? '', certPem), writeFile(files[1] ?? '', keyPem)])
    return { certPem, flags: ['--push-cert', files[0] ?? '', '--push-key', files[1] ?? ''] }
  }
  const [mine, renewed, other] = [
    await flagsFor('mine', 30),
    await flagsFor('mine', 365),
    await flagsFor('other', 365),
  ]
  const bound = () => {
    const bindings = activeVersion(cf.account.workers.get('edgemdm'))?.bindings ?? []
    return ['APNS', 'PUSH_CERTIFICATE'].map((name) => bindings.find((one) => one.name === name))
  }
  const first = await deployWith(cf, at, ['--yes', ...mine.flags])
  expect(first).toMatchObject({ exit: 0, steps: expect.arrayContaining(['push', 'deploy']) })
  const id = cf.account.certificates[0]?.id
  expect(bound()).toMatchObject([{ certificate_id: id }, { text: mine.certPem }])
  // Another machine knows nothing of it, and deploys.
  const ci = await deployWith(cf, await place(), ['--ci'])
  expect([ci.exit, bound()]).toMatchObject([0, [{ certificate_id: id }, { text: mine.certPem }]])

  cf.account.databases[0]?.sql.exec('INSERT INTO devices VALUES (1, 0), (1, 0)')
  const from = cf.calls.length
  expect(await deployWith(cf, at, ['--yes', ...other.flags])).toMatchObject({
    exit: 3,
    failure: { fault: expect.stringContaining('2 devices are enrolled') },
  })
  expect(changesIn(cf, from)).toEqual([])
  const year = await deployWith(cf, at, ['--yes', '--again', ...renewed.flags])
  expect([year.exit, cf.account.certificates.length]).toEqual([0, 2])
  expect(bound()).toMatchObject([
    { certificate_id: cf.account.certificates[1]?.id },
    { text: renewed.certPem },
  ])
  expect(year.printed).toContain('renew-push-certificate.ics')
})
