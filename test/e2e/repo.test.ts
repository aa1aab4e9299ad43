import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, it, onTestFinished } from 'vitest'
import { newState, type RunningServer, start } from './server.ts'

const MIB = 1024 * 1024
/** MiB: more than the 128 that a Worker has. */
const LARGE = 140
const BLOCK = Buffer.alloc(MIB, 'package ')
const BOUNDARY = 'c1d1f8a7b3e04f4f'
const line = (rest: string): string => `--${BOUNDARY}\r\nContent-Disposition: form-data; ${rest}`

/** Uploads a package as mdmctl does: in chunks, and its name last. */
async function uploadApp(server: RunningServer, name: string, mebibytes: number): Promise<number> {
  const key = readFileSync(join(server.state, 'api-key'), 'utf8').trim()
  const sending = request(`${server.url}/v1/apps`, {
    method: 'PUT',
    auth: `micromdm:${key}`,
    agent: false,
    headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` },
  })
  const answered = once(sending, 'response')
  const write = (bytes: string | Buffer): Promise<void> =>
    new Promise((done, failed) => {
      sending.write(bytes, (error) => (error ? failed(error) : done()))
    })
  await write(`${line(`name="pkg_filedata"; filename="${name}"`)}\r\n\r\n`)
  for (let n = 0; n < mebibytes; n++) {
    await write(BLOCK)
  }
  sending.end(`\r\n${line('name="pkg_name"')}\r\n\r\n${name}\r\n--${BOUNDARY}--\r\n`)
  const [response] = await answered
  await text(response)
  return response.statusCode
}

/** What workerd has had in memory at most since the last call, in MiB. */
function peakMemory({ state }: RunningServer): number {
  const [workerd] = readFileSync(join(state, 'workerd.status'), 'utf8').split(' ')
  const status = readFileSync(`/proc/${workerd}/status`, 'utf8')
  writeFileSync(`/proc/${workerd}/clear_refs`, '5')
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024
}

it('140 MiB of a package go up and down, and only a part of them is in memory', async () => {
  const server = await start(await newState(), [])
  onTestFinished(async () => void (await server.stop()))
  // The memory that the simulated bucket needs by itself.
  expect(await uploadApp(server, 'small.pkg', 40)).toBe(200)
  const before = peakMemory(server)
  expect(await uploadApp(server, 'large.pkg', LARGE)).toBe(200)
  expect(peakMemory(server) - before).toBeLessThan(0.6 * LARGE)

  const hash = createHash('sha256')
  const { body } = await fetch(`${server.url}/repo/large.pkg`)
  let length = 0
  for await (const chunk of body ?? []) {
    length += chunk.length
    hash.update(chunk)
  }
  const expected = createHash('sha256')
  for (let n = 0; n < LARGE; n++) {
    expected.update(BLOCK)
  }
  expect([length, hash.digest('hex')]).toEqual([LARGE * MIB, expected.digest('hex')])

  const path = '/api/repo/large.pkg/manifest'
  const made = await server.api<{ sha256s: string[] }>('POST', path, {})
  const ten = Buffer.concat(Array.from({ length: 10 }, () => BLOCK))
  expect(new Set(made.body.sha256s)).toEqual(
    new Set([createHash('sha256').update(ten).digest('hex')]),
  )
  expect(made.body.sha256s).toHaveLength(LARGE / 10)
})
