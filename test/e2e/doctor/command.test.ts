/** `npm run doctor` as a user sees it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer as createProxy } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { newState, outputOf, PROJECT, type RunningServer, start, within } from '../server.ts'
import { startFront } from './doctor-tools.ts'
import { runDoctor } from './run-doctor.ts'

let server: RunningServer
let key: string

beforeAll(async () => {
  server = await start(await newState(), [])
  key = readFileSync(join(server.state, 'api-key'), 'utf8').trim()
})
afterAll(() => server.stop())

async function doctor(
  args: readonly string[],
  env: Record<string, string> = {},
  flags: readonly string[] = [],
) {
  const { PATH, NODE_COMPILE_CACHE } = process.env
  const child = spawn(process.execPath, [...flags, 'src/cli/doctor/doctor.ts', ...args], {
    cwd: PROJECT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH, NODE_COMPILE_CACHE, ...env },
  })
  const output = outputOf(child)
  const [code] = await within(once(child, 'close'), () => `it has not ended: ${output.text()}`)
  return { code, text: output.text() }
}

/** A module that makes the seconds of a timer a hundred times shorter. */
const HASTE = `data:text/javascript,${encodeURIComponent(`
  const { setTimeout } = globalThis
  globalThis.setTimeout = (run, ms, ...more) => setTimeout(run, ms / 100, ...more)`)}`

const OUTSIDE = '1,2,3,4,5,6,8,10,11,26'

it('a good server: a line for each check, a line for skips, a line that counts, and exit code 0', async () => {
  const { code, text } = await doctor(['--server', server.url, '--only', OUTSIDE], { API_KEY: key })
  expect(text.trimEnd().split('\n')).toEqual([
    '✓  1 the server answers, and has an owner',
    '✓  3 the clocks agree',
    '✓  4 the server itself answers on device routes',
    '✓  5 no device route is redirected',
    '✓  6 large signatures and inventories arrive',
    '✓  8 no admin call without a key is answered',
    '✓ 10 new devices get a profile that leads here',
    '✓ 11 devices get an identity',
    '–  2, 26: not for a server of npm start',
    '',
    '8 ok, 0 warnings, 0 failed, 2 skipped',
  ])
  expect(code).toBe(0)
})

it('the exit code counts the checks that failed, and the array of --json has the same', async () => {
  const front = await startFront(server.url, {
    answer: ({ method, url = '' }) =>
      method === 'PUT' && url.startsWith('/mdm')
        ? { status: 302, headers: { location: 'https://www.test/' } }
        : undefined,
  })
  const run = await runDoctor(['--server', front.url, '--only', '3,4,5'], process.env)
  await front.close()
  expect(run.code).toBe(2)
  expect(run.results.map(({ number, id, level }) => [number, id, level])).toEqual([
    [3, 'clock', 'ok'],
    [4, 'device-routes', 'fail'],
    [5, 'redirects', 'fail'],
  ])
  expect(run.of(4)[0]).toMatchObject({
    title: 'the server itself answers on device routes',
    want: '400 with the header edgemdm',
    fix: expect.stringContaining('remove the redirect'),
  })
})

it('no key is printed, neither a right one nor a wrong one', async () => {
  for (const given of [key, `${key}x`]) {
    const args = ['--server', server.url, '--verbose', '--key', given, '--only', OUTSIDE]
    const { text } = await doctor(args)
    expect(text).toContain('failed')
    expect(text).not.toContain(key)
  }
})

it('ends with its results, though a proxy still sends', async () => {
  const proxy = createProxy().on('connect', (_, socket) => {
    const drip = setInterval(() => socket.write('H'), 1000)
    socket.on('error', () => undefined).on('close', () => clearInterval(drip))
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const address = proxy.address()
  const HTTPS_PROXY = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
  const args = ['--server', 'https://mdm.test', '--only', '2']
  const { code, text } = await doctor(args, { HTTPS_PROXY }, ['--import', HASTE])
  proxy.close()
  expect(code).toBe(1)
  expect(text).toContain('2 no TLS connection: no answer within 9 s')
})

it('what cannot be meant ends with one sentence and 101, and --help with 0', async () => {
  expect(await doctor(['--server', 'mdm.example.com'])).toEqual({
    code: 101,
    text: 'doctor: --server mdm.example.com: the scheme is missing: write https://mdm.example.com\n',
  })
  expect((await doctor(['--only', '99'])).text).toContain('there is no check 99')
  const { code, text } = await doctor(['--help'])
  expect(code).toBe(0)
  expect(text).toContain('Exit code: the number of checks that failed')
})
