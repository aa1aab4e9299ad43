import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, expect, it } from 'vitest'
import { fingerprintOf, pushCertificate, startApns } from './apns.ts'
import { newState, start, type RunningServer } from './server.ts'

const CLI = join(import.meta.dirname, '../../src/cli/push-cert/push-cert.ts')
const closing: (() => unknown)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) {
    await close()
  }
})

/** `npm run push-cert -- install`, and what it said. */
async function install(
  state: string,
  pair: { certPem: string; keyPem: string },
  ...args: string[]
): Promise<string> {
  const files = ['cert', 'key'].map((name) => join(state, `foreign.${name}`))
  const [cert = '', key = ''] = files
  writeFileSync(cert, pair.certPem)
  writeFileSync(key, pair.keyPem)
  const line = ['install', '--state', state, '--cert', cert, '--key', key, ...args]
  return promisify(execFile)(process.execPath, [CLI, ...line]).then(
    ({ stdout }) => stdout,
    ({ stderr }: { stderr: string }) => stderr,
  )
}

it('a certificate that is PUT is used by the next push and by the next start, and opens the circuit anew', async () => {
  const state = await newState()
  const apns = await startApns(state)
  closing.push(apns.close)
  const run = async (flags: string[], until?: string): Promise<RunningServer> => {
    const server = await start(state, ['--apns', apns.url, ...flags], until, apns.env)
    closing.push(() => server.stop())
    return server
  }
  const first = await run(['--devices', '1'], 'simulated device enrolled')
  const put = (path: string, body: unknown) => first.api<{ error?: string }>('PUT', path, body)
  const inUse = (server: RunningServer) =>
    server.api<{ cert: string }>('GET', '/v1/config/certificate')
  const devices = async () =>
    (
      await first.api<{ devices: { udid: string; enrollment_status: boolean }[] }>(
        'POST',
        '/v1/devices',
        {},
      )
    ).body.devices
  await expect.poll(devices).toMatchObject([{ enrollment_status: true }])
  const [device] = await devices()
  const push = async (server: RunningServer) =>
    (await server.api('GET', `/push/${device?.udid}`)).status

  const simulated = new X509Certificate(Buffer.from((await inUse(first)).body.cert, 'base64'))
  const topic = /UID=(.*)/.exec(simulated.subject)?.[1] ?? ''
  apns.refuse.add(fingerprintOf(simulated))
  expect(await push(first)).toBe(500)

  const renewed = pushCertificate(topic, 10)
  expect(await put('/v1/config/certificate', renewed.body)).toEqual({ status: 200, body: {} })
  expect((await inUse(first)).body.cert).toBe(renewed.cert)
  expect(await push(first)).toBe(200)
  expect(apns.seen.at(-1)).toMatchObject({ client: renewed.fingerprint, topic })

  const foreign = pushCertificate('com.apple.mgmt.External.other', 300)
  const refused = await put('/v1/config/certificate', foreign.body)
  expect(refused.status).toBe(409)
  expect(refused.body.error).toContain(`1 devices are enrolled with the topic ${topic}`)
  const cli = (...args: string[]) => install(state, foreign, ...args)
  expect(await cli()).toMatch(/devices are enrolled with the topic.*or force it \(--force\)/)
  await first.stop()
  expect(await cli()).toContain(`1 devices are enrolled with the topic ${topic}`)

  const second = await run([])
  expect((await inUse(second)).body.cert).toBe(renewed.cert)
  expect(await push(second)).toBe(200)
  expect(apns.seen.at(-1)?.client).toBe(renewed.fingerprint)
  expect(second.output()).toContain('WARNING     the push certificate expires on')
  await expect
    .poll(() => second.output())
    .toMatch(/"event":"push:certificate-expires".*"days_left":10/)
  for (const name of readdirSync(join(state, 'push-cert'))) {
    expect(readFileSync(join(state, 'push-cert', name), 'latin1')).not.toContain('PRIVATE KEY')
  }
  expect(await cli('--force')).toContain('The running server pushes with this certificate')
  expect((await inUse(second)).body.cert).toBe(foreign.cert)
})
