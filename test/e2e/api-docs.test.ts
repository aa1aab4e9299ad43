import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, expect, it } from 'vitest'
import { newState, start, startReceiver, type Receiver, type RunningServer } from './server.ts'

let server: RunningServer | undefined
let hook: Receiver | undefined

afterEach(async () => {
  await server?.stop()
  await hook?.close()
})

const DOCS = ['api.md', 'bulk.md']
  .map((page) => readFileSync(join(import.meta.dirname, '../../docs', page), 'utf8'))
  .join('\n')

/** The shell commands of the pages, each with its comment for a name. */
const examples = [...DOCS.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block = '']) =>
  block
    .replaceAll(/ \\\n/g, ' ')
    .split('\n')
    .filter((line) => line.startsWith('curl ')),
)

/** The simulated device, as soon as lists know that it is enrolled. */
async function listed({ api }: RunningServer): Promise<string> {
  const devices = async () =>
    (await api<{ items: { id: string }[] }>('GET', '/api/devices?state=enrolled')).body.items
  await expect.poll(devices).toHaveLength(1)
  const [device] = await devices()
  return device?.id ?? ''
}

it('every example of docs/api.md and docs/bulk.md works against npm start, and a call that waits is answered by the device', async () => {
  hook = await startReceiver()
  const flags = ['--devices', '1', '--webhook', hook.url]
  server = await start(await newState(), flags, 'simulated device enrolled')
  const udid = await listed(server)
  const ids = Array.from({ length: 25 }, (_, n) => `NEW-${n}`)
  const bulk = await server.api<{ id: string }>('POST', '/api/commands', {
    ids,
    command: { request_type: 'ProfileList' },
    pace: 60,
  })
  const env = {
    ...process.env,
    URL: server.url,
    API_KEY: readFileSync(join(server.state, 'api-key'), 'utf8').trim(),
    UDID: udid,
    JOB: bulk.body.id,
  }
  expect(examples.length).toBeGreaterThan(10)
  for (const example of examples) {
    if (example.includes('/result"')) {
      await expect
        .poll(() => server?.api('GET', `/api/commands/${udid}.1`))
        .toMatchObject({ body: { state: 'acknowledged' } })
    }
    const { stdout } = await promisify(execFile)('bash', ['-euc', example], { env })
    expect(stdout, example).toMatch(/^[{<]/)
  }
  const { api } = server
  const order = { request_type: 'SecurityInfo' }
  await expect
    .poll(() => api('POST', `/api/devices/${udid}/commands?wait=60`, order))
    .toMatchObject({ status: 200, body: { state: 'acknowledged' } })
})
