import { afterEach, describe, expect, it, vi } from 'vitest'
import { clock, turn } from './clock.ts'
import { deployed } from './deployment.ts'
import { Apple } from './dep-apple.ts'
import { DAY, newAccount } from './dep-tools.ts'
import { keyWith } from './key-tools.ts'
import { install, newAuthority } from './scep-client.ts'
import { api, env } from './server.ts'

const API_KEY = 'Ab3dE6gH9jK2mN5pQ8sT1vW4'

interface Health {
  readonly ready: boolean
  readonly version: string
  readonly public_url: string | null
  readonly push_topic: string | null
  readonly seal_keys: readonly string[]
  readonly checks: readonly {
    readonly id: string
    readonly known: boolean
    readonly findings: readonly { level: string; text: string; fix: string }[]
  }[]
}

/** The health of a deployment with these bindings in place of the tests' own. */
async function health(bindings: object = {}, key?: string): Promise<Health> {
  return (await deployed({ ...bindings }, key)('GET', '/api/health')).json<Health>()
}

async function found(id: string, bindings: object = {}): Promise<string[]> {
  const { checks } = await health(bindings)
  const check = checks.find((one) => one.id === id)
  expect(check?.known).toBe(true)
  return (check?.findings ?? []).map(({ level, text, fix }) => `${level}: ${text}. ${fix}`)
}

/** D1 with one method that does something else. */
const d1With = (other: Partial<D1Database>): D1Database =>
  new Proxy(env.DB, {
    get: (d1, name) => {
      const member: unknown = Reflect.get(other, name) ?? Reflect.get(d1, name)
      return typeof member === 'function' ? member.bind(d1) : member
    },
  })

const run = (statement: string): Promise<unknown> => env.DB.prepare(statement).run()

afterEach(() => {
  vi.restoreAllMocks()
})

it('GET /api/health runs each check, and says what the deployment is', async () => {
  const { ready, checks, ...facts } = await health()
  expect(ready).toBe(true)
  expect(checks.map(({ id }) => id)).toEqual([
    'directory',
    'control',
    'push.binding',
    'push.circuit',
    'push.certificate',
    'ca',
    'identities',
    'dep.token',
    'profile.signing',
    'api.key',
    'webhooks',
    'cron',
    'duties',
    'config',
    'push.topic',
    'dep.sync',
    'seal',
    'version',
  ])
  expect(checks.every(({ known }) => known)).toBe(true)
  const wrong = checks.filter(({ findings }) => findings.length > 0)
  expect(wrong.map(({ id }) => id)).toEqual(['config'])
  expect(facts).toEqual({
    checked_at: new Date(clock.now()).toISOString(),
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    public_url: null,
    push_topic: 'com.apple.mgmt.External.test',
    seal_keys: [expect.stringMatching(/^[0-9a-f]{8}$/)],
  })
})

describe('the check of the directory finds', () => {
  const all = () => env.DB.prepare('SELECT name FROM d1_migrations ORDER BY name').raw<[string]>()

  it('a migration that was not applied', async () => {
    const [last = ''] = (await all()).at(-1) ?? []
    await run(`DELETE FROM d1_migrations WHERE name = '${last}'`)
    expect(await found('directory')).toEqual([
      `error: migrations were not applied: ${last}. run \`wrangler d1 migrations apply DB --remote\``,
    ])
    await run(`INSERT INTO d1_migrations (name) VALUES ('${last}')`)
    expect(await found('directory')).toEqual([])
  })

  it('a table that is gone', async () => {
    await run('ALTER TABLE known_serials RENAME TO lost')
    expect(await found('directory')).toEqual([
      expect.stringMatching(/^error: tables are missing: known_serials\. go back/),
    ])
    await run('ALTER TABLE lost RENAME TO known_serials')
  })

  it('a limit on writes that is used up', async () => {
    const text = "D1_ERROR: Your account has exceeded D1's free tier daily row write limit."
    const batch = () => Promise.reject(new Error(text))
    vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    expect(await found('directory', { DB: d1With({ batch }) })).toEqual([
      expect.stringMatching(/^error: a daily limit of Cloudflare’s free plan is used up/),
    ])
  })

  it.each([
    [450_000_000, /^warn: the directory has 450 MB of 500\. the free plan/],
    [8_100_000_000, /^warn: the directory has 8100 MB of 10000\. delete/],
  ])('a size of %i bytes', async (size, text) => {
    const batch = async (statements: D1PreparedStatement[]) =>
      (await env.DB.batch(statements)).map((result) => ({
        ...result,
        meta: { ...result.meta, size_after: size },
      })) as never
    expect(await found('directory', { DB: d1With({ batch }) })).toEqual([
      expect.stringMatching(text),
    ])
  })

  it('slow reads', async () => {
    const prepare = (statement: string) => {
      turn(statement.includes('sqlite_master') ? 501 : 0)
      return env.DB.prepare(statement)
    }
    expect(await found('directory', { DB: d1With({ prepare }) })).toEqual([
      expect.stringMatching(/^warn: a short read of the directory took 501 ms/),
    ])
  })

  it('nothing in a row of its own: its write leaves none', async () => {
    await health()
    const rows = await env.DB.prepare("SELECT name FROM moments WHERE name LIKE 'health%'").all()
    expect(rows.results).toEqual([])
  })
})

it('the release is older than the directory', async () => {
  await run("INSERT INTO d1_migrations (name) VALUES ('0999_later.sql')")
  expect(await found('version')).toEqual([
    expect.stringMatching(/^warn: a later release has migrated the directory: 0999_later\.sql/),
  ])
  await run("DELETE FROM d1_migrations WHERE name = '0999_later.sql'")
})

describe('the check of the settings finds', () => {
  const good = { API_KEY, PUBLIC_URL: 'http://mdm.test' }
  const asked = async (vars: object): Promise<string[]> => {
    const its = { ...good, ...vars }
    const { checks } = await health(its, its.API_KEY)
    return checks
      .filter(({ id }) => id === 'config')
      .flatMap(({ findings }) => findings.map(({ level, text }) => `${level}: ${text}`))
  }

  it('nothing in good ones', async () => {
    expect(await asked({})).toEqual([])
    // A proxy in front has ended TLS.
    expect(await asked({ PUBLIC_URL: 'https://mdm.test' })).toEqual([])
  })

  it('another address, or none', async () => {
    expect(await asked({ PUBLIC_URL: 'https://other.example.com' })).toEqual([
      expect.stringMatching(
        /^error: PUBLIC_URL is https:\/\/other\.example\.com, and this request/,
      ),
    ])
    expect(await asked({ PUBLIC_URL: '' })).toEqual([
      expect.stringMatching(/^warn: PUBLIC_URL is not set: .* here http:\/\/mdm\.test$/),
    ])
  })

  it('a key that can be guessed', async () => {
    expect(await asked({ API_KEY: 'test-key' })).toEqual([
      'error: the key bootstrap can be guessed: it has fewer than 20 characters',
    ])
    const reader = await keyWith('read')
    const { checks } = await health({ ...good, API_KEY: 'secret' }, reader)
    expect(checks.find(({ id }) => id === 'config')?.findings).toContainEqual(
      expect.objectContaining({ text: expect.stringContaining('is an example of the docum') }),
    )
  })

  it('that no key can change keys', async () => {
    const only = { API_KEY: '', ADMIN_KEYS_ONLY: 'true', PUBLIC_URL: 'http://mdm.test' }
    const reader = await keyWith('read')
    const asReader = async () =>
      (await health(only, reader)).checks.find(({ id }) => id === 'config')
    expect((await asReader())?.findings).toMatchObject([
      { level: 'error', text: expect.stringContaining('no key has the scope admin') },
    ])
    await keyWith('admin')
    expect((await asReader())?.findings).toEqual([])
  })
})

it('the topic of pushes is not known', async () => {
  expect(await found('push.topic', { PUSH_TOPIC: '' })).toEqual([
    expect.stringMatching(/^warn: the topic of the push certificate is not known/),
  ])
})

it('an account of Apple that is refused, or was not synchronized for a day', async () => {
  const apple = new Apple()
  const account = await newAccount()
  await account.sync()
  expect(apple.paths()).toContain('/server/devices')
  expect(await found('dep.sync')).toEqual([])
  turn(DAY)
  expect(await found('dep.sync')).toEqual([
    expect.stringMatching(/^warn: the account .+ was not synchronized for a day/),
  ])
  const { standing } = await account.state()
  await account.setState({ standing: { ...standing, flag: 'terms', since: clock.now() } })
  expect(await found('dep.sync')).toEqual([
    expect.stringMatching(/^error: Apple refuses the account .+: its new terms are not accepted/),
  ])
  await account.stub.forget()
})

it('values that no key of the ring can open, and where they are', async () => {
  await install(newAuthority())
  await api('PUT', '/api/files/terms.txt', 'text')
  const { id } = await newAccount()
  const [key = ''] = (await health()).seal_keys
  expect(await found('seal')).toEqual([])
  const SEAL_KEYS = `other:${btoa('another key with 32 bytes in all')}`
  const [finding = '', ...others] = await found('seal', { SEAL_KEYS })
  expect(others).toEqual([])
  expect(finding).toMatch(new RegExp(`^error: values are sealed with the key ${key}, which`))
  for (const place of ['authorities (1)', 'declaration_file_parts (1)', id]) {
    expect(finding).toContain(place)
  }
  expect(await found('seal', { SEAL_KEYS: `${SEAL_KEYS} ${env.SEAL_KEYS}` })).toEqual([])
})
