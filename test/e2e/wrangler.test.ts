/**
 * What `npm run deploy` takes for granted of `wrangler`, shown by the unmodified one: each call by the program, and
 * faults by its code in a process that stays, which other tests call too. What Cloudflare itself would answer is the
 * guess of test/cloudflare.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, inject, it } from 'vitest'
import { activeVersion, changeBindings } from '../cloudflare/account.ts'
import { startCloudflare, type Cloudflare } from '../cloudflare/cloudflare.ts'
import { fieldOf, listOf, textOf } from '../cloudflare/route.ts'
import { installResident } from '../cloudflare/resident/program.ts'
import { runWrangler } from '../cloudflare/run-wrangler.ts'
import { pushCertificate } from './apns.ts'
import { newProject } from './deploy-tools.ts'
import { newState } from './server.ts'

const SECRETS = { API_KEY: 'an API key', SEAL_KEYS: 'k1:AAAA' }

const running: Cloudflare[] = []

afterAll(() => Promise.all(running.map((fake) => fake.close())))

async function cloudflare(): Promise<Cloudflare> {
  const fake = await startCloudflare()
  running.push(fake)
  return fake
}

async function newFile(name: string, json: unknown): Promise<string> {
  const path = join(await newState(), name)
  await writeFile(path, JSON.stringify(json))
  return path
}

/** A Worker with the kinds of resources that ours has, and little code. */
async function smallProject(): Promise<string> {
  const cwd = await newState()
  const config = {
    name: 'edgemdm',
    main: 'index.js',
    compatibility_date: '2026-11-01',
    keep_vars: true,
    exports: { Device: { type: 'durable-object', storage: 'sqlite' } },
    d1_databases: [{ binding: 'DB', database_name: 'edgemdm' }],
    queues: {
      producers: [{ binding: 'EVENTS', queue: 'edgemdm-events' }],
      consumers: [{ queue: 'edgemdm-events' }],
    },
  }
  await writeFile(join(cwd, 'wrangler.json'), JSON.stringify(config))
  await writeFile(
    join(cwd, 'index.js'),
    `import { DurableObject } from 'cloudflare:workers'
     export class Device extends DurableObject {}
     export default { fetch: () => new Response(''), queue() {} }`,
  )
  return cwd
}

/** The small project, and the process that stays for its wrangler. */
async function residentProject(): Promise<{ cwd: string; program: string }> {
  const cwd = await smallProject()
  return { cwd, program: await installResident(cwd, inject('wranglerDoor')) }
}

/** Calls that change something. The last two, for crons and queues, run side by side: they are sorted. */
function changes({ calls }: Cloudflare, from = 0): string[] {
  const made = calls
    .slice(from)
    .filter(({ method }) => method !== 'GET')
    .map(({ method, path }) => `${method} ${path.replaceAll(/[0-9a-f-]{32,36}/g, 'ID')}`)
  return [...made.slice(0, -2), ...made.slice(-2).toSorted()]
}

/** Ids and seconds differ. */
const withoutNumbers = (text: string): string =>
  text.replaceAll(/[\da-f]{8}-[\da-f-]{27}|[\da-f]{32}/g, 'ID').replaceAll(/\d+(\.\d+)?/g, 'N')

/** The metadata of the last upload. */
const uploaded = ({ calls }: Cloudflare) =>
  calls.findLast(({ method, path }) => method === 'PUT' && path === '/workers/scripts/edgemdm')
    ?.body

const binding = (body: unknown, name: string) =>
  listOf(fieldOf(body, 'bindings')).find((one) => fieldOf(one, 'name') === name)

describe.concurrent('wrangler', () => {
  it('provisions at the first deploy, inherits at the second, and migrates only between them', async () => {
    const fake = await cloudflare()
    const cwd = await newProject('program')
    const pristine = await readFile(join(cwd, 'wrangler.toml'), 'utf8')
    const secrets = await newFile('secrets.json', SECRETS)
    const output = await newFile('output.ndjson', '')
    const migrate = () =>
      runWrangler(fake, ['d1', 'migrations', 'apply', 'DB', '--remote'], { cwd })

    const tooEarly = await migrate()
    expect(tooEarly).toMatchObject({ code: 1 })
    expect(tooEarly.output).toContain(`Couldn't find a D1 DB named 'edgemdm' (bound as 'DB')`)
    expect(changes(fake)).toEqual([])

    const first = await runWrangler(fake, ['deploy', '--secrets-file', secrets], {
      cwd,
      env: { WRANGLER_OUTPUT_FILE_PATH: output },
    })
    expect(first, first.output).toMatchObject({ code: 0 })
    expect(changes(fake)).toEqual([
      'POST /workers/scripts/edgemdm/assets-upload-session',
      'POST /workers/assets/upload',
      'POST /d1/database',
      'POST /queues',
      'PUT /workers/scripts/edgemdm',
      'POST /workers/scripts/edgemdm/subdomain',
      'POST /queues/ID/consumers',
      'PUT /workers/scripts/edgemdm/schedules',
    ])
    expect(uploaded(fake)).toMatchObject({
      keep_bindings: ['plain_text', 'json', 'secret_text', 'secret_key'],
      code_update_strategy: { mode: 'deferred', max_delay: 300 },
      exports: { Device: { type: 'durable-object', storage: 'sqlite' } },
    })
    const worker = fake.account.workers.get('edgemdm')
    expect(activeVersion(worker)?.bindings).toEqual(
      expect.arrayContaining([
        { name: 'API_KEY', type: 'secret_text', text: SECRETS.API_KEY },
        { name: 'DB', type: 'd1', id: fake.account.databases[0]?.uuid },
      ]),
    )
    // The only output of a deploy that is made for programs.
    expect(await readFile(output, 'utf8')).toContain(
      `"targets":["https://edgemdm.example.workers.dev","schedule: 17 3 * * *"`,
    )
    expect(await readFile(join(cwd, 'wrangler.toml'), 'utf8')).toBe(pristine)

    const migrated = await migrate()
    expect(migrated, migrated.output).toMatchObject({ code: 0 })
    const applied = fake.account.databases[0]?.sql.prepare('SELECT name FROM d1_migrations').all()
    expect(applied?.[0]).toEqual({ name: '0000_first.sql' })

    if (worker) {
      changeBindings(worker, (all) => [...all, { name: 'ORG', type: 'plain_text', text: 'Acme' }])
    }
    const before = fake.calls.length
    const second = await runWrangler(fake, ['deploy'], { cwd })
    expect(second, second.output).toMatchObject({ code: 0 })
    expect(changes(fake, before)).toEqual([
      'POST /workers/scripts/edgemdm/assets-upload-session',
      'PUT /workers/scripts/edgemdm',
      'POST /workers/scripts/edgemdm/subdomain',
      'PUT /queues/ID/consumers/ID',
      'PUT /workers/scripts/edgemdm/schedules',
    ])
    for (const name of ['DB', 'EVENTS']) {
      expect(binding(uploaded(fake), name)).toEqual({ name, type: 'inherit' })
    }
    // Secrets stay because of `keep_bindings`.
    expect(activeVersion(worker)?.bindings).toEqual(
      expect.arrayContaining([
        { name: 'ORG', type: 'plain_text', text: 'Acme' },
        { name: 'SEAL_KEYS', type: 'secret_text', text: SECRETS.SEAL_KEYS },
      ]),
    )
  })

  it('of the process that stays sends, prints and answers the same as the program', async () => {
    const secrets = await newFile('secrets.json', SECRETS)
    const runs = [{ cwd: await smallProject() }, await residentProject()].map(async (at) => {
      const fake = await cloudflare()
      const made: unknown[] = []
      for (const args of [
        ['deploy', '--secrets-file', secrets],
        ['deploy', '--no-such-flag'],
      ]) {
        const { code, stdout, output } = await runWrangler(fake, args, at)
        made.push(code, ...[stdout, output].map(withoutNumbers))
      }
      const calls = fake.calls.map(({ method, path, body }) =>
        withoutNumbers(`${method} ${path} ${JSON.stringify(body)}`),
      )
      return { made, calls: calls.toSorted() }
    })
    const [program, resident] = await Promise.all(runs)
    expect(program?.made).toEqual(expect.arrayContaining([0, 1]))
    expect(resident).toEqual(program)
  })

  it('shows no token without a login', async () => {
    const env = { CLOUDFLARE_API_TOKEN: '' }
    const { code } = await runWrangler(await cloudflare(), ['auth', 'token', '--json'], { env })
    expect(code).toBe(1)
  })

  it('makes a Worker for secrets that come before the first deploy, and deletes one that is null', async () => {
    const fake = await cloudflare()
    const file = await newFile('bulk.json', { ...SECRETS, OLD: null })
    const bulk = await runWrangler(fake, ['secret', 'bulk', file, '--name', 'edgemdm'])
    expect(bulk, bulk.output).toMatchObject({ code: 0 })
    expect(fake.calls.at(-1)?.body).toMatchObject({ secrets: { OLD: null } })
    const worker = fake.account.workers.get('edgemdm')
    expect(activeVersion(worker)?.bindings).toEqual([
      { name: 'API_KEY', type: 'secret_text', text: SECRETS.API_KEY },
      { name: 'SEAL_KEYS', type: 'secret_text', text: SECRETS.SEAL_KEYS },
    ])
  })

  it('binds another name to the same database without a word, and fails when the code is live', async () => {
    const fake = await cloudflare()
    const at = await residentProject()
    const post = async (path: string, body: unknown) => {
      const url = `${fake.url}/accounts/${fake.account.id}${path}`
      const response = await fetch(url, { method: 'POST', body: JSON.stringify(body) })
      return fieldOf(await response.json(), 'result')
    }
    const database = await post('/d1/database', { name: 'edgemdm' })
    const queue = await post('/queues', { queue_name: 'edgemdm-events' })
    const consumer = { type: 'worker', script_name: 'edgemdm' }
    await post(`/queues/${textOf(queue, 'queue_id')}/consumers`, consumer)
    const other = await runWrangler(fake, ['deploy', '--name', 'second'], at)
    expect(activeVersion(fake.account.workers.get('second'))?.bindings).toContainEqual({
      name: 'DB',
      type: 'd1',
      id: textOf(database, 'uuid'),
    })
    expect(other).toMatchObject({ code: 1 })
    expect(other.output).toContain('Queue already has a consumer [code: 11004]')
    expect(other.output).toContain('was only partially updated')
  })

  it('finds the database that it made when the answer was lost, and makes no second one', async () => {
    const fake = await cloudflare()
    const at = await residentProject()
    fake.fail({
      method: 'POST',
      path: /^\/d1\/database$/,
      status: 500,
      code: 10013,
      message: 'An unknown error has occurred.',
      afterwards: true,
    })
    const broken = await runWrangler(fake, ['deploy'], at)
    expect(broken).toMatchObject({ code: 1 })
    expect(fake.account.workers.size).toBe(0)
    const again = await runWrangler(fake, ['deploy'], at)
    expect(again, again.output).toMatchObject({ code: 0 })
    expect(fake.account.databases).toHaveLength(1)
    expect(fake.account.queues).toHaveLength(1)
  })

  it('hides that a token may not use D1', async () => {
    const fake = await cloudflare()
    fake.fail({
      method: 'GET',
      path: /^\/d1\//,
      status: 403,
      code: 10000,
      message: 'Authentication error',
      times: 9,
    })
    const refused = await runWrangler(fake, ['deploy'], await residentProject())
    expect(refused).toMatchObject({ code: 1 })
    expect(refused.output).toContain('DB bindings must have a "database_id" field')
    expect(refused.output).not.toContain('Authentication error')
  })

  it('uploads a push certificate, whose id a deploy binds and an association then shows, and gives a queue its reader', async () => {
    const fake = await cloudflare()
    const pair = pushCertificate('com.apple.mgmt.External.test', 300)
    const cwd = await smallProject()
    const files = { cert: join(cwd, 'push.pem'), key: join(cwd, 'push.key') }
    await writeFile(files.cert, pair.certPem)
    await writeFile(files.key, pair.keyPem)
    const upload = await runWrangler(
      fake,
      ['mtls-certificate', 'upload', '--cert', files.cert, '--key', files.key, '--name', 'push'],
      { cwd },
    )
    const id = /^ID: ([0-9a-f-]{36})$/m.exec(upload.output)?.[1]
    expect(fake.account.certificates).toMatchObject([
      { id, name: 'push', certificates: pair.certPem },
    ])
    const config = JSON.parse(await readFile(join(cwd, 'wrangler.json'), 'utf8'))
    config.mtls_certificates = [{ binding: 'APNS', certificate_id: id }]
    await writeFile(join(cwd, 'wrangler.json'), JSON.stringify(config))
    const list = await runWrangler(fake, ['mtls-certificate', 'list'], { cwd })
    const hash = ['--var', 'SETUP_CODE_HASH:abc']
    const deploy = await runWrangler(fake, ['deploy', ...hash], { cwd })
    expect(list.output).toContain(`ID: ${id}\nName: push\n`)
    expect(deploy, deploy.output).toMatchObject({ code: 0 })
    expect(binding(uploaded(fake), 'SETUP_CODE_HASH')).toMatchObject({ text: 'abc' })
    const consumers = fake.account.queues[0]?.consumers
    consumers?.pop()
    const triggers = await runWrangler(fake, ['triggers', 'deploy'], { cwd })
    expect(triggers, triggers.output).toMatchObject({ code: 0 })
    expect(consumers).toMatchObject([{ script: 'edgemdm' }])
    const users = await fetch(
      `${fake.url}/accounts/${fake.account.id}/mtls_certificates/${id}/associations`,
    )
    expect(await users.json()).toMatchObject({ result: [{ service: 'edgemdm' }] })
  })
})
