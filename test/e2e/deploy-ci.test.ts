/** `npm run deploy` in CI and in Workers Builds, with wrangler's own code. */
import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { activeVersion } from '../cloudflare/account.ts'
import { type Cloudflare, startCloudflare } from '../cloudflare/cloudflare.ts'
import { addResources, changesIn, deployWith, newProject, standInServer } from './deploy-tools.ts'
import { newState } from './server.ts'

const KEYS = {
  API_KEY: 'the key of the api',
  SEAL_KEYS: `k1:${randomBytes(32).toString('base64')}`,
}
const SETUP_CODE = 'correct horse battery staple'
const RENAMED = { WRANGLER_CI_OVERRIDE_NAME: 'renamed' }
const running: Cloudflare[] = []
let project = ''

beforeAll(async () => {
  project = await newProject()
})
afterEach(() => vi.unstubAllGlobals())
afterAll(() => Promise.all(running.map((cf) => cf.close())))

async function cloudflare() {
  const cf = await startCloudflare()
  running.push(cf)
  const { server, serve } = standInServer()
  cf.serve = serve
  return { cf, server }
}

/** Another machine each time, as CI has. */
const place = async (tree = project) => ({ project: tree, state: await newState() })
const bindingsOf = ({ account }: Cloudflare, name: string) =>
  activeVersion(account.workers.get(name))?.bindings ?? []
const textOf = (cf: Cloudflare, worker: string, name: string) =>
  bindingsOf(cf, worker).find((binding) => binding.name === name)?.['text']

describe('in CI', () => {
  const withKeys = cloudflare()

  it('keys come from the environment, and none is made or written', async () => {
    const { cf } = await withKeys
    const at = await place()
    const env = RENAMED
    const half = { ...env, API_KEY: KEYS.API_KEY }
    expect(await deployWith(cf, at, ['--ci'], { env: half })).toMatchObject({
      exit: 2,
      failure: { remedy: expect.stringContaining('SEAL_KEYS') },
    })
    expect(changesIn(cf)).toEqual([])
    const temporary = await newState()
    vi.stubEnv('TMPDIR', temporary)
    const first = await deployWith(cf, at, ['--ci'], { env: { ...env, ...KEYS } })
    vi.unstubAllEnvs()
    expect(await readdir(temporary)).toEqual([])
    expect(first).toMatchObject({ exit: 0, steps: ['deploy', 'migrate', 'answer', 'authority'] })
    for (const secret of [...Object.values(KEYS), 'the-token']) {
      expect(first.printed).not.toContain(secret)
    }
    const { databases, queues, workers } = cf.account
    expect([databases[0]?.name, queues[0]?.queue_name]).toEqual(['renamed', 'renamed-events'])
    const texts = activeVersion(workers.get('renamed'))?.bindings.map(({ text }) => text)
    expect(texts).toEqual(expect.arrayContaining(Object.values(KEYS)))
    expect(existsSync(join(at.state, 'deployments/renamed/secrets.json'))).toBe(false)
    // Another run, without keys: the Worker keeps its own.
    expect(await deployWith(cf, await place(), ['--ci'], { env })).toMatchObject({ exit: 0 })
    expect(activeVersion(workers.get('renamed'))?.bindings.map(({ name }) => name)).toContain(
      'API_KEY',
    )
  })

  it('a database with devices of an earlier server gets no new keys', async () => {
    const { cf } = await withKeys
    cf.account.databases[0]?.sql.exec('INSERT INTO devices VALUES (1, 0)')
    cf.account.workers.delete('renamed')
    const from = cf.calls.length
    expect(await deployWith(cf, await place(), ['--ci'], { env: RENAMED })).toMatchObject({
      exit: 3,
      failure: { fault: expect.stringContaining('1 enrolled device') },
    })
    expect(changesIn(cf, from)).toEqual([])
  })

  it('without keys the server waits for its owner, and no code stands in a log that may be public', async () => {
    const { cf, server } = await cloudflare()
    server.claim = { claimed: false, code: 'missing' }
    const weak = { ...RENAMED, SETUP_CODE: 'changeme' }
    expect(await deployWith(cf, await place(), ['--ci'], { env: weak })).toMatchObject({
      exit: 2,
      failure: { fault: expect.stringContaining('SETUP_CODE is an example of the documentation') },
    })
    expect(changesIn(cf)).toEqual([])
    const first = await deployWith(cf, await place(), ['--ci'], { env: RENAMED })
    expect(first).toMatchObject({ exit: 0, steps: ['deploy', 'migrate', 'answer'] })
    expect(first.printed).not.toContain('Setup code')
    expect(first.printed).toContain('npx wrangler secret put SETUP_CODE --name renamed')
    expect(bindingsOf(cf, 'renamed').map(({ name }) => name)).not.toContain('SETUP_CODE_HASH')

    const env = { ...RENAMED, SETUP_CODE }
    const second = await deployWith(cf, await place(), ['--ci', '--again'], { env })
    expect([second.exit, textOf(cf, 'renamed', 'SETUP_CODE')]).toEqual([0, SETUP_CODE])
    expect(second.printed).not.toContain(SETUP_CODE)
  })
})

describe('in Workers Builds', () => {
  const BUILDS = { ...RENAMED, WORKERS_CI: '1' }

  it('the first build prints a setup code, later ones keep its hash, and none prints another', async () => {
    const { cf, server } = await cloudflare()
    server.claim = { claimed: false, code: 'set' }
    const first = await deployWith(cf, await place(), [], { env: BUILDS })
    expect(first).toMatchObject({ exit: 0, steps: ['deploy', 'migrate', 'answer'] })
    const [, code = ''] = /Setup code, once, for (?:\S+): ([\w-]{22})"/.exec(first.printed) ?? []
    expect(first.printed).toContain('https://renamed.example.workers.dev/setup: ')
    const hash = createHash('sha256').update(code).digest('hex')
    expect(textOf(cf, 'renamed', 'SETUP_CODE_HASH')).toBe(hash)
    expect(JSON.stringify(cf.calls)).not.toContain(code)
    const { databases, queues } = cf.account
    expect([databases[0]?.name, queues[0]?.queue_name]).toEqual(['renamed', 'renamed-events'])

    const second = await deployWith(cf, await place(), ['--again'], { env: BUILDS })
    expect(second).toMatchObject({ exit: 0, steps: ['deploy', 'answer'] })
    expect(second.printed).not.toContain('Setup code')
    expect(second.printed).toContain('/setup with the setup code')
    expect(textOf(cf, 'renamed', 'SETUP_CODE_HASH')).toBe(hash)

    server.claim = { claimed: true, code: 'set' }
    const owned = await deployWith(cf, await place(), ['--again'], { env: BUILDS })
    expect(owned).toMatchObject({ exit: 0, steps: ['deploy', 'answer'] })
    expect(owned.printed).not.toMatch(/setup/i)
    expect(cf.account.workers.get('renamed')?.versions).toHaveLength(3)
  })

  it('the code that the button asked for is the only one', async () => {
    const { cf, server } = await cloudflare()
    server.claim = { claimed: false, code: 'set' }
    const env = { ...BUILDS, SETUP_CODE }
    const { exit, printed } = await deployWith(cf, await place(), [], { env })
    expect([exit, textOf(cf, 'renamed', 'SETUP_CODE')]).toEqual([0, SETUP_CODE])
    expect(printed).not.toMatch(/Setup code|correct horse/)
    expect(textOf(cf, 'renamed', 'SETUP_CODE_HASH')).toBeUndefined()
  })

  it('a clone keeps the resources that its file has, under any name of the Worker', async () => {
    const { cf } = await cloudflare()
    await addResources(cf, 'theirs')
    const clone = await newProject()
    const file = join(clone, 'wrangler.toml')
    const toml = (await readFile(file, 'utf8'))
      .replace(
        'database_name = "edgemdm"',
        `database_name = "theirs", database_id = "${cf.account.databases[0]?.uuid}"`,
      )
      .replaceAll('"edgemdm-events"', '"theirs-events"')
    await writeFile(file, toml)
    const built = await deployWith(cf, await place(clone), [], { env: { ...BUILDS, ...KEYS } })
    expect(built, JSON.stringify(built.failure)).toMatchObject({ exit: 0 })
    const { databases, queues, workers } = cf.account
    expect([databases.length, queues.length, [...workers.keys()]]).toEqual([1, 1, ['renamed']])
    expect(bindingsOf(cf, 'renamed')).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ type: 'd1', id: databases[0]?.uuid }),
        expect.objectContaining({ type: 'queue', queue_name: 'theirs-events' }),
      ]),
    )
    expect(queues[0]?.consumers).toMatchObject([{ script: 'renamed' }])
  })
})
