import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { unstable_getMiniflareWorkerOptions } from 'wrangler'

const PROJECT = join(import.meta.dirname, '../../../..')
const BUDGET = 350_000

const directory = realpathSync(mkdtempSync(join(tmpdir(), 'edgemdm-bundle-')))
let script: string
let deployed: Miniflare

/** Deploys up to the upload, and runs what it would upload. */
beforeAll(async () => {
  execFileSync(
    process.execPath,
    ['node_modules/wrangler/bin/wrangler.js', 'deploy', '--dry-run', '--outdir', directory],
    { cwd: PROJECT, stdio: 'pipe', env: { ...process.env, WRANGLER_SEND_METRICS: 'false' } },
  )
  script = readFileSync(join(directory, 'index.js'), 'utf8')
  const { workerOptions } = unstable_getMiniflareWorkerOptions(join(PROJECT, 'wrangler.toml'))
  deployed = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      telemetry: { enabled: false },
      workers: [
        {
          ...workerOptions,
          modules: [{ type: 'ESModule', path: 'index.js', contents: script }],
          bindings: { API_KEY: 'test-key', SEAL_KEYS: `k1:${'Ab'.repeat(21)}A=` },
        },
      ],
    }),
  )
  await deployed.ready
})
afterAll(async () => {
  await deployed.dispose()
  rmSync(directory, { recursive: true })
})

it('the deployed bundle stays under 350 KB of gzip', () => {
  expect(gzipSync(script).length).toBeLessThan(BUDGET)
})

it('the bundle has no part of a library that the Worker does not use, and no writer of the document', () => {
  const map: { sources: string[] } = JSON.parse(
    readFileSync(join(directory, 'index.js.map'), 'utf8'),
  )
  const sources = map.sources.map((path) => resolve(directory, path))
  expect(sources).toContain(join(PROJECT, 'src/http/api/face.ts'))
  const needless =
    /zod-openapi|zod-to-openapi|json-schema|locales\/|memoizer\.js|drizzle-orm|utils\/(?:body|mount)\.js|reg-exp-router|openapi\/(?:files|write|event|docs\/page)/
  expect(sources.filter((path) => needless.test(path))).toEqual([])
})

it('the bundle has no words that only the document of the API needs', async () => {
  const document = await (await deployed.dispatchFetch('http://mdm.test/api/openapi.json')).json()
  const words = [
    ...JSON.stringify(document).matchAll(/"(?:description|summary)":"([\w ,.:;]{30,})"/g),
  ]
  expect(words.length).toBeGreaterThan(900)
  const held = words.filter(([, text = '']) => script.includes(text))
  // Some operations are made in a loop over a table, and some words in a function: the build does not see them.
  expect(held.length).toBeLessThan(words.length / 25)
})

it('a deployment serves the document and its page, and no file answers on a path of its own', async () => {
  const get = (path: string) => deployed.dispatchFetch(`http://mdm.test${path}`)
  const document = await get('/api/openapi.json')
  expect(document.headers.get('content-type')).toBe('application/json')
  expect(await document.json()).toMatchObject({ openapi: '3.1.0', servers: [{ url: '/' }] })
  const page = await get('/api/docs')
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(await page.text()).toContain('id="queueCommand"')
  const answers = ['/openapi.json', '/docs.html', '/index.html', '/mdm/connect'].map(
    async (path) => [path, (await get(path)).status],
  )
  expect(await Promise.all(answers)).toEqual([
    ['/openapi.json', 404],
    ['/docs.html', 404],
    ['/index.html', 404],
    ['/mdm/connect', 405],
  ])
})
