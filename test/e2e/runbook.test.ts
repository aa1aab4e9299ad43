import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  newState,
  PROJECT,
  start,
  startReceiver,
  type Receiver,
  type RunningServer,
} from './server.ts'

let server: RunningServer
let receiver: Receiver
let environment: Record<string, string>

const page = readFileSync(join(PROJECT, 'docs/runbook.md'), 'utf8')

/** The commands of the page that are for every shell, one a line. */
const commands = [...page.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block = '']) =>
  block
    .replaceAll(/ \\\n/g, ' ')
    .split('\n')
    .filter((line) => line !== ''),
)

beforeAll(async () => {
  receiver = await startReceiver()
  const flags = ['--devices', '1', '--webhook', receiver.url]
  server = await start(await newState(), flags, 'simulated device enrolled')
  const { body } = await server.api<{ items: { id: string }[] }>('GET', '/api/devices')
  environment = {
    URL: server.url,
    API_KEY: readFileSync(join(server.state, 'api-key'), 'utf8').trim(),
    UDID: body.items[0]?.id ?? '',
  }
  await server.api('POST', '/api/keys', { name: 'ci', scopes: ['read'] })
})

afterAll(async () => {
  await server.stop()
  await receiver.close()
})

it('the commands of docs/runbook.md work in their order', async () => {
  expect(commands.length).toBeGreaterThan(30)
  for (const command of commands) {
    const run = promisify(execFile)('bash', ['-euc', command], {
      cwd: PROJECT,
      env: { ...process.env, ...environment },
    })
    // A call that is refused leaves curl with an error, whose text names the status.
    const { stdout, stderr } = await run.catch((error: Error) => {
      throw new Error(`${command}\n${error.message}`)
    })
    expect(stdout + stderr, command).not.toBe('')
  }
  const { body } = await server.api<{ blocked: boolean; deleted: boolean }>(
    'GET',
    `/api/devices/${environment['UDID']}`,
  )
  expect(body).toMatchObject({ blocked: true, deleted: true })
})

it('each topic, line and alert that docs/runbook.md names is one of ours', () => {
  const log = readFileSync(join(PROJECT, 'docs/log.md'), 'utf8')
  const alerts = readFileSync(join(PROJECT, 'docs/alerts/prometheus.yml'), 'utf8')
  const lines = page.match(/`[a-z]+:[a-z-]+`/g) ?? []
  const named = page.match(/`EdgeMDM[A-Za-z]+`/g) ?? []
  expect(lines.length).toBeGreaterThan(15)
  expect(lines.filter((line) => !log.includes(`| ${line} |`))).toEqual([])
  expect(named.length).toBeGreaterThan(3)
  expect(named.filter((name) => !alerts.includes(`alert: ${name.slice(1, -1)}\n`))).toEqual([])
})
