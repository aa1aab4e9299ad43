import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { readRawConfig } from '../../../../src/cli/deploy/cloudflare/wrangler.ts'
import {
  deployConfig,
  type ConfigFacts,
  differencesOf,
  deployNames,
  publicUrlIn,
  type RawConfig,
} from '../../../../src/cli/deploy/config.ts'

const PROJECT = join(import.meta.dirname, '../../../..')
const UP = '../../..'
const FOLDER = join(PROJECT, '.edgemdm/deployments/acme')
let committed: RawConfig = {}

beforeAll(async () => {
  committed = await readRawConfig(join(PROJECT, 'wrangler.toml'))
})

const factsOf = (facts: Partial<ConfigFacts> = {}): ConfigFacts => ({
  names: deployNames(committed, 'acme'),
  account: undefined,
  hosts: [],
  host: undefined,
  workersDev: true,
  push: undefined,
  own: {},
  ...facts,
})
const configured = (facts?: Partial<ConfigFacts>) => deployConfig(committed, UP, factsOf(facts))

/** Every text in a value, with its place. */
function texts(value: unknown, place = ''): [string, string][] {
  return typeof value === 'string'
    ? [[place, value]]
    : typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([key, inner]) => texts(inner, `${place}/${key}`))
      : []
}

describe('the generated configuration', () => {
  it('has every key of the committed file, and only names and paths are others', () => {
    const made = new Map(texts(configured()))
    const before = texts(committed)
    const others = before.filter(([place, text]) => made.get(place) !== text)
    expect([...made.keys()].toSorted()).toEqual(before.map(([place]) => place).toSorted())
    expect(Object.keys(configured()).toSorted()).toEqual(Object.keys(committed).toSorted())
    expect(others.map(([place]) => place)).toEqual([
      '/name',
      '/main',
      '/assets/directory',
      '/d1_databases/0/database_name',
      '/d1_databases/0/migrations_dir',
      '/queues/producers/0/queue',
      '/queues/consumers/0/queue',
    ])
    const named = JSON.parse(
      JSON.stringify(configured()).replaceAll('acme', 'edgemdm').replaceAll(`${UP}/`, ''),
    )
    expect(named).toEqual(committed)
  })

  it('has a key of wrangler that this program does not know', () => {
    const later = { placement: { mode: 'smart' as const }, limits: { cpu_ms: 50 } }
    expect(deployConfig({ ...committed, ...later }, UP, factsOf())).toMatchObject(later)
  })

  it('leads to the same files from its folder', () => {
    const made = new Map(texts(configured()))
    const files = texts(committed).filter(
      ([, text]) => /[/.]/.test(text) && existsSync(join(PROJECT, text)),
    )
    expect(files.length).toBeGreaterThan(0)
    for (const [place, text] of files) {
      expect(resolve(FOLDER, made.get(place) ?? '')).toBe(resolve(PROJECT, text))
    }
  })

  it('has the host names, the push certificate and the account', () => {
    const config = configured({
      account: 'the-account',
      hosts: ['mdm.example.com', 'old.example.com'],
      host: 'mdm.example.com',
      workersDev: false,
      push: { certificateId: 'id', certificate: 'PEM' },
    })
    expect(config).toMatchObject({
      account_id: 'the-account',
      workers_dev: false,
      preview_urls: false,
      mtls_certificates: [{ binding: 'APNS', certificate_id: 'id' }],
      vars: { PUSH_CERTIFICATE: 'PEM' },
    })
    expect(config.routes).toEqual([
      { pattern: 'mdm.example.com', custom_domain: true },
      { pattern: 'old.example.com', custom_domain: true },
    ])
    expect(publicUrlIn(config)).toBe('https://mdm.example.com')
    expect(publicUrlIn(configured())).toBeUndefined()
  })

  it('takes settings of the user before all others, and none that would bind what is another’s', () => {
    const own = {
      vars: { PUBLIC_URL: 'https://other.example.com', ORGANIZATION: 'Example' },
      observability: { logs: { invocation_logs: true } },
      r2_buckets: [{ binding: 'REPO', bucket_name: 'acme-repo' }],
    }
    const config = configured({ host: 'mdm.example.com', hosts: ['mdm.example.com'], own })
    expect(config).toMatchObject({ ...own, observability: { enabled: true } })
    for (const key of ['name', 'd1_databases', 'queues', 'exports', 'secrets']) {
      const message = expect.stringContaining(`${key} in the settings`)
      expect(() => configured({ own: { [key]: [] } })).toThrow(
        expect.objectContaining({ exit: 2, message }),
      )
    }
    for (const name of ['API_KEY', 'SEAL_KEYS', 'SETUP_CODE']) {
      for (const secret of [{ vars: { [name]: 'x' } }, { [name]: 'x' }]) {
        const message = expect.stringContaining('it is a secret')
        expect(() => configured({ own: secret })).toThrow(
          expect.objectContaining({ exit: 2, message }),
        )
      }
    }
  })
})

describe('names', () => {
  it('keep those of the file for its own name, and derive from every other', () => {
    expect(deployNames(committed, 'edgemdm')).toEqual({
      worker: 'edgemdm',
      database: 'edgemdm',
      queue: 'edgemdm-events',
    })
    expect(deployNames(committed, 'acme')).toEqual({
      worker: 'acme',
      database: 'acme',
      queue: 'acme-events',
    })
  })

  it('keep those of a clone that Cloudflare has written an id into', () => {
    const [database] = committed.d1_databases ?? []
    const clone: RawConfig = {
      ...committed,
      d1_databases: [{ binding: 'DB', ...database, database_name: 'theirs', database_id: 'id' }],
    }
    expect(deployNames(clone, 'renamed')).toMatchObject({ worker: 'renamed', database: 'theirs' })
  })
})

it('differences name keys and vars, and no value', () => {
  const before = configured()
  const after = configured({ own: { vars: { SCEP_CHALLENGE: 'secret' }, minify: false } })
  expect(differencesOf(before, before)).toEqual([])
  expect(differencesOf(before, after)).toEqual(['minify', 'vars.SCEP_CHALLENGE'])
})
