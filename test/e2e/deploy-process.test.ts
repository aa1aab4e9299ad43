/** `npm run deploy` as a process of its own, before a real server: wrangler, server and doctor are real. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { afterEach, expect, it } from 'vitest'
import { readEnrollment } from '../../src/cli/api-client.ts'
import { type Cloudflare, startCloudflare } from '../cloudflare/cloudflare.ts'
import { serveFrom } from './deploy-tools.ts'
import { fetchAlone, newState, outputOf, PROJECT, start, within } from './server.ts'

const closing: (() => unknown)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) {
    await close()
  }
})

async function cloudflare(): Promise<Cloudflare> {
  const cf = await startCloudflare()
  closing.push(() => cf.close())
  return cf
}

function deploy(cf: Cloudflare, args: readonly string[]) {
  const child = spawn(process.execPath, ['src/cli/deploy/deploy.ts', ...args], {
    cwd: PROJECT,
    env: { ...cf.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  closing.push(() => child.kill('SIGKILL'))
  return { child, output: outputOf(child), exit: once(child, 'close').then(([code]) => code) }
}

it('leads from the tree to a server whose link enrols, goes on after Ctrl-C, and ends when the doctor finds no fault', async () => {
  const [cf, state] = [await cloudflare(), await newState()]
  const keys = {
    API_KEY: randomBytes(24).toString('hex'),
    SEAL_KEYS: `k1:${randomBytes(32).toString('base64')}`,
  }
  const file = join(state, 'keys.json')
  await writeFile(file, JSON.stringify(keys))
  const first = deploy(cf, ['--yes', '--state', state, '--secrets', file])
  // What Cloudflare answers until a new name leads somewhere.
  cf.serve = () => new Response('nothing yet', { status: 404 })
  await first.output.until('✓ migrate D1 edgemdm')
  first.child.kill('SIGINT')
  expect(await first.exit).toBe(130)
  expect(first.output.text()).toContain('run the same command again to go on')

  const address = 'https://edgemdm.example.workers.dev'
  const server = await start(await newState(), [], undefined, { ...keys, PUBLIC_URL: address })
  closing.push(() => server.stop())
  const isDeviceRoute = /^\/(mdm|checkin|scep)/
  const passOn = serveFrom(server.url)
  cf.serve = async (request) =>
    isDeviceRoute.test(new URL(request.url).pathname)
      ? new Response('', { status: 403, headers: { 'cf-mitigated': 'challenge' } })
      : passOn(request)
  const second = deploy(cf, ['--yes', '--state', state])
  expect(await second.exit, second.output.text()).toBe(1)
  const found = second.output.text()
  expect(found).toContain('unchanged: worker, code, address, database, queue, migrations, secrets')
  expect(found).toMatch(/✓ make the certificate authority/)
  expect(found).toMatch(/✗ 4 .*challenge/)
  expect(found).toMatch(/✗ doctor: the server is deployed, and \d+ of \d+ checks failed/)

  cf.serve = passOn
  const third = deploy(cf, ['--yes', '--state', state])
  expect(await third.exit, third.output.text()).toBe(0)
  const printed = third.output.text()
  expect(printed).toMatch(/✓ check https:\/\/edgemdm\.example\.workers\.dev/)
  expect(printed).toContain(`Nothing to do: ${address}`)
  // No terminal: what a pipe leads to may keep the link, which has a token.
  expect(printed).toMatch(/Enrol +the link has a token: a terminal shows it/)
  expect(printed).not.toMatch(/token=|[▀▄█]{10}/)
  expect(printed).toContain(`${address}/api/enrollment`)
  const { link } = await readEnrollment({ url: server.url, apiKey: keys.API_KEY })
  expect(link).toContain(`${address}/`)
  const { pathname, search } = new URL(link)
  expect((await fetchAlone(server.url + pathname + search)).status).toBe(200)
  for (const secret of Object.values(keys)) {
    expect(first.output.text() + found + printed).not.toContain(secret)
  }
})

it('prints events of JSON, and asks nothing without a terminal', async () => {
  const [cf, state] = [await cloudflare(), await newState()]
  const { output, exit } = deploy(cf, ['--json', '--state', state])
  expect(await exit).toBe(2)
  const events = output
    .text()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(events).toMatchObject([
    { type: 'look' },
    { type: 'look' },
    {
      type: 'plan',
      deployment: 'edgemdm',
      steps: ['keep', 'deploy', 'migrate', 'answer', 'authority', 'doctor'],
    },
    { type: 'failed', exit: 2, remedy: 'add --yes' },
  ])
})

it('an old Node is told what to do', async () => {
  const { scripts } = JSON.parse(await readFile(join(PROJECT, 'package.json'), 'utf8'))
  const program = await readFile(join(PROJECT, scripts.predeploy.replace('node ', '')), 'utf8')
  const run = (features: object) => {
    const ends: number[] = []
    const said: string[] = []
    runInNewContext(program, {
      process: { features, exit: (code: number) => ends.push(code) },
      console: { error: (text: string) => said.push(text) },
    })
    return { ends, said }
  }
  expect(run({})).toEqual({ ends: [2], said: [expect.stringContaining('npm ci')] })
  expect(run(process.features)).toEqual({ ends: [], said: [] })
  const real = await within(
    new Promise<number>((resolve) => {
      execFile(
        'sh',
        ['-c', scripts.predeploy],
        { cwd: PROJECT, env: { PATH: join(PROJECT, 'node_modules/.bin') + ':/bin:/usr/bin' } },
        (error) => resolve(error === null ? 0 : Number(error.code)),
      )
    }),
    () => 'predeploy ends',
  )
  expect(real).toBe(0)
})
