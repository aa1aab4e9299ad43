/** What Cloudflare's Deploy button reads in the tree (Cloudflare's docs, "Deploy to Cloudflare buttons"). */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { readRawConfig } from '../../src/cli/deploy/cloudflare/wrangler.ts'
import type { RawConfig } from '../../src/cli/deploy/config.ts'

const PROJECT = join(import.meta.dirname, '../..')
const text = (file: string) => readFileSync(join(PROJECT, file), 'utf8')
let committed: RawConfig = {}

beforeAll(async () => {
  committed = await readRawConfig(join(PROJECT, 'wrangler.toml'))
})

/** The button asks for each line, and ships the value that stands there when it is left. */
const asked = [...text('.dev.vars.example').matchAll(/^\s*(\w+)\s*=(.*)$/gm)]

it('asks for one secret, the setup code, and ships no example of it', () => {
  expect(asked.map(([, name, value]) => [name, value])).toEqual([['SETUP_CODE', '']])
  expect(committed.secrets).toBeUndefined()
})

it('describes each resource that it makes and each secret that it asks for, and nothing else', () => {
  const { cloudflare } = JSON.parse(text('package.json'))
  const made = [
    ...(committed.d1_databases ?? []),
    ...(committed.kv_namespaces ?? []),
    ...(committed.r2_buckets ?? []),
    ...(committed.queues?.producers ?? []),
  ].map(({ binding }) => binding)
  expect(made).toEqual(['DB', 'EVENTS'])
  const described = Object.entries<{ description: string }>(cloudflare.bindings)
  expect(described.map(([name]) => name)).toEqual([...made, ...asked.map(([, name]) => name)])
  for (const [, { description }] of described) {
    expect(description).toMatch(/^[A-Z].{20,}\.$/)
  }
})

it('finds no id of an account or a resource, which would be of another account', () => {
  const names = [...text('wrangler.toml').matchAll(/^[^#\n]*?\b(\w*(?:_id|Id))\s*=/gm)]
  expect(names.map(([, name]) => name)).toEqual([])
  expect(committed.d1_databases?.every((one) => !('database_id' in one))).toBe(true)
})

it('has its image, with a text for people who do not see it, and the commands that Builds runs', () => {
  expect(text('README.md')).toMatch(
    /\[!\[Deploy to Cloudflare\]\(https:\/\/deploy\.workers\.cloudflare\.com\/button\)\]\(\S+\?url=https:\S+\)/,
  )
  const { scripts } = JSON.parse(text('package.json'))
  expect(Object.keys(scripts)).toEqual(expect.arrayContaining(['build', 'deploy', 'deploy:check']))
})
