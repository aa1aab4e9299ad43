import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { newState, start, type RunningServer } from './server.ts'

let server: RunningServer | undefined

afterEach(async () => {
  await server?.stop()
})

const DOCS = readFileSync(join(import.meta.dirname, '../../docs/api.md'), 'utf8')

/** The shell commands of the page, each with its comment for a name. */
const examples = [...DOCS.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block = '']) =>
  block
    .replaceAll(/ \\\n/g, ' ')
    .split('\n')
    .filter((line) => line.startsWith('curl ')),
)

it('every example of docs/api.md works against npm start, and a call that waits is answered by the device', async () => {
  server = await start(await newState(), ['--devices', '1'], 'simulated device enrolled')
  const { body } = await server.api<{ devices: { udid: string }[] }>('POST', '/v1/devices', {})
  const udid = body.devices[0]?.udid ?? ''
  const env = {
    ...process.env,
    URL: server.url,
    API_KEY: readFileSync(join(server.state, 'api-key'), 'utf8').trim(),
    UDID: udid,
  }
  expect(examples.length).toBeGreaterThan(10)
  for (const example of examples) {
    const answer = execFileSync('bash', ['-euc', example], { env, encoding: 'utf8' })
    expect(answer, example).toMatch(/^[{<]/)
  }
  const times: number[] = []
  for (let n = 0; n < 15; n++) {
    const before = performance.now()
    const { status } = await server.api('POST', `/api/devices/${udid}/commands?wait=30`, {
      request_type: 'SecurityInfo',
    })
    times.push(performance.now() - before)
    expect(status).toBe(200)
  }
  const median = times.toSorted((one, other) => one - other)[7] ?? NaN
  console.log(`a call that waits: median ${Math.round(median)} ms`)
  expect(median).toBeLessThan(5000)
})
