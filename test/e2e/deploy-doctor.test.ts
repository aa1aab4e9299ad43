/** `npm run deploy` from the tree to a server that passes the doctor: wrangler, server and doctor are real. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { type Cloudflare, startCloudflare } from '../cloudflare/cloudflare.ts'
import { serveFrom } from './deploy-tools.ts'
import { newState, outputOf, PROJECT, start } from './server.ts'

const closing: (() => unknown)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) {
    await close()
  }
})

async function deploy(cf: Cloudflare, args: readonly string[]) {
  const child = spawn(process.execPath, ['src/cli/deploy/deploy.ts', ...args], {
    cwd: PROJECT,
    env: { ...cf.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  closing.push(() => child.kill('SIGKILL'))
  const output = outputOf(child)
  const [exit] = await once(child, 'close')
  return { exit, printed: output.text() }
}

it('the doctor finds what is in front of the server, and passes it once that is gone', async () => {
  const [cf, state] = [await startCloudflare(), await newState()]
  closing.push(() => cf.close())
  const keys = {
    API_KEY: randomBytes(24).toString('hex'),
    SEAL_KEYS: `k1:${randomBytes(32).toString('base64')}`,
  }
  const file = join(state, 'keys.json')
  await writeFile(file, JSON.stringify(keys))
  const PUBLIC_URL = 'https://edgemdm.example.workers.dev'
  const server = await start(await newState(), [], undefined, { ...keys, PUBLIC_URL })
  closing.push(() => server.stop())
  const isDeviceRoute = /^\/(mdm|checkin|scep)/
  let isChallenged = true
  const passOn = serveFrom(server.url)
  cf.serve = async (request) => {
    if (isChallenged && isDeviceRoute.test(new URL(request.url).pathname)) {
      return new Response('', { status: 403, headers: { 'cf-mitigated': 'challenge' } })
    }
    return passOn(request)
  }
  const first = await deploy(cf, ['--yes', '--state', state, '--secrets', file])
  expect(first.exit, first.printed).toBe(1)
  expect(first.printed).toMatch(/✗ 4 .*challenge/)
  expect(first.printed).toMatch(/✗ doctor: the server is deployed, and \d+ of \d+ checks failed/)

  isChallenged = false
  const second = await deploy(cf, ['--yes', '--state', state])
  expect(second.exit, second.printed).toBe(0)
  expect(second.printed).toMatch(/✓ check https:\/\/edgemdm\.example\.workers\.dev/)
  expect(second.printed).toContain(`Nothing to do: ${PUBLIC_URL}`)
  expect(second.printed).toMatch(/Enrol +the link has a token: a terminal shows it/)
  for (const secret of Object.values(keys)) {
    expect(first.printed + second.printed).not.toContain(secret)
  }
})
