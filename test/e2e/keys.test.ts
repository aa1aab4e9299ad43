import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { newState, PROJECT, type RunningServer, start } from './server.ts'

const run = promisify(execFile)

let server: RunningServer
beforeAll(async () => {
  server = await start(await newState(), [])
})
afterAll(() => server.stop())

/** `npm run keys` against the server. */
async function keys(...args: string[]) {
  const apiKey = (await readFile(join(server.state, 'api-key'), 'utf8')).trim()
  const all = ['src/cli/keys/keys.ts', ...args, '--server', server.url]
  const env = { ...process.env, API_KEY: apiKey }
  return run(process.execPath, all, { cwd: PROJECT, env })
}

async function whoami(key: string) {
  const headers = { authorization: `Bearer ${key}` }
  const response = await fetch(`${server.url}/api/whoami`, { headers })
  return { status: response.status, body: await response.json() }
}

it('npm run keys makes, lists, rolls and revokes a key', async () => {
  expect((await keys('list')).stdout).toContain('There is no key beside API_KEY')
  const made = await keys('create', 'ci', '--scopes', 'read,command', '--expires-in', 'never')
  expect(made.stdout).toMatch(/^emk_[\dA-Za-z]{10}_[\dA-Za-z]{38}\n$/)
  expect(made.stderr).toContain('never expires')
  expect(made.stderr).not.toContain(made.stdout.trim())
  const first = made.stdout.trim()
  expect(await whoami(first)).toMatchObject({ body: { name: 'ci', scopes: ['read', 'command'] } })
  expect((await keys('list')).stdout).toMatch(/^\w{10} {2}ci {2}until {2}revoked {2}used 20\d\d-/)

  const rolled = (await keys('roll', 'ci', '--overlap', '0s')).stdout.trim()
  expect((await whoami(first)).status).toBe(401)
  expect((await whoami(rolled)).status).toBe(200)

  await server.stop()
  server = await start(server.state, [])
  expect((await whoami(rolled)).status).toBe(200)
  expect((await keys('revoke', 'ci')).stderr).toMatch(
    /^ci \(\w{10}\) is revoked; no request uses it/,
  )
  expect((await whoami(rolled)).status).toBe(401)
})

it.each([
  [['create', 'ci'], '--scopes is missing'],
  [['create', 'ci', '--scopes', 'root'], 'json.scopes'],
  [['roll', 'nothing'], 'no key has the name or id nothing'],
  [['revoke'], 'name one key'],
  [['list', 'ci'], 'name no key'],
  [['forget', 'ci'], 'there is no command forget'],
])('npm run keys -- %j says what is wrong', async (args, words) => {
  await expect(keys(...args)).rejects.toMatchObject({ stderr: expect.stringContaining(words) })
})
