import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { unstable_readConfig } from 'wrangler'
import { bundle } from '../../../../src/cli/start/bundle.ts'

const PROJECT = join(import.meta.dirname, '../../../..')
const MAIN = join(PROJECT, 'src/index.ts')
const BUDGET = 350_000

const directory = realpathSync(mkdtempSync(join(tmpdir(), 'edgemdm-bundle-')))

beforeAll(() => {
  execFileSync(
    process.execPath,
    ['node_modules/wrangler/bin/wrangler.js', 'deploy', '--dry-run', '--outdir', directory],
    { cwd: PROJECT, stdio: 'pipe', env: { ...process.env, WRANGLER_SEND_METRICS: 'false' } },
  )
})
afterAll(() => rmSync(directory, { recursive: true }))

it('the deployed bundle stays under 350 KB of gzip', () => {
  expect(gzipSync(readFileSync(join(directory, 'index.js'))).length).toBeLessThan(BUDGET)
})

it('the bundle of npm start has the same sources as the deployed one', async () => {
  const configPath = join(PROJECT, 'wrangler.toml')
  const { alias } = unstable_readConfig({ config: configPath }, { hideWarnings: true })
  const local = await bundle({ configPath, main: MAIN, alias })
  const map = Buffer.from(local.slice(local.lastIndexOf(',') + 1), 'base64').toString()
  const deployed = sources(readFileSync(join(directory, 'index.js.map'), 'utf8'), directory)
  expect(sources(map, process.cwd())).toEqual(deployed)
})

it('the bundle has no part of a library that the Worker does not use', () => {
  const deployed = sources(readFileSync(join(directory, 'index.js.map'), 'utf8'), directory)
  const needless =
    /zod-openapi|zod-to-openapi|json-schema|locales\/|memoizer\.js|drizzle-orm|utils\/(?:body|mount)\.js|reg-exp-router/
  expect(deployed.filter((path) => needless.test(path))).toEqual([])
})

function sources(map: string, from: string): string[] {
  const read: { sources: string[] } = JSON.parse(map)
  return read.sources.map((path) => resolve(from, path)).sort()
}
