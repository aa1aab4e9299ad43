import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, expect, it } from 'vitest'
import { fetchAlone, newState, outputOf, start, type RunningServer } from './server.ts'

interface Identities {
  items: { id: string; device_id: string; renewal: { state: string } | null }[]
}

let server: RunningServer | undefined

afterEach(async () => {
  await server?.stop()
})

const identities = async (edge: RunningServer) =>
  (await edge.api<Identities>('GET', '/api/identities')).body.items

it('simulated devices enrol by profile and SCEP with the token of a public URL, answer the printed command, renew by a pushed profile, and continue after a restart under another name', async () => {
  const state = await newState()
  const flags = ['--devices', '1']
  const env = { PUBLIC_URL: 'https://mdm.example.com' }
  server = await start(state, flags, 'simulated device enrolled', env)
  const edge = server
  expect(edge.output()).toMatch(
    /Enrolment +https:\/\/mdm\.example\.com\/\?token=[0-9a-f]{32}\n +each device that has the link can enrol\n/,
  )
  expect((await fetchAlone(`${edge.url}/mdm/enroll`)).status).toBe(403)
  await pasteFirst(edge)
  const issued = async () =>
    (await edge.api<{ items: { issued: number }[] }>('GET', '/api/ca')).body.items[0]?.issued
  expect(await issued()).toBe(1)
  await expect.poll(() => identities(edge)).toHaveLength(1)
  const [before] = await identities(edge)
  expect((await edge.api('POST', `/api/devices/${before?.device_id}/renew`)).status).toBe(200)
  await expect
    .poll(() => identities(edge))
    .toMatchObject([{ device_id: before?.device_id, renewal: { state: 'renewed' } }])
  expect(await issued()).toBe(2)
  const [renewed] = await identities(edge)
  expect(renewed?.id).not.toBe(before?.id)
  await server.stop()
  server = await start(state, flags, 'simulated device enrolled', { ...env, ORGANIZATION: 'A & B' })
  const named = server
  expect(await identities(named)).toMatchObject([{ id: renewed?.id }])

  const query = /Enrolment +\S+\/(\?\S+)\n/.exec(named.output())?.[1] ?? ''
  const [page, profile] = await Promise.all(
    ['/', '/mdm/enroll'].map(async (path) => (await fetchAlone(named.url + path + query)).text()),
  )
  expect(page).toContain('<h1>Enrol this device with A &amp; B</h1>')
  expect(profile).toContain('<string>A &amp; B Enrollment Profile</string>')
  expect((await named.api('POST', `/api/devices/${before?.device_id}/renew`)).status).toBe(200)
  await expect.poll(() => identities(named)).not.toMatchObject([{ id: renewed?.id }])
  expect(await identities(named)).toMatchObject([{ renewal: { state: 'renewed' } }])
})

it('npm run simulate enrols devices from outside the same way', async () => {
  server = await start(await newState(), [], undefined, { ENROLL_TOKEN: 'open sesame' })
  expect(server.output()).toMatch(/Enrolment +\S+\/\?token=open\+sesame\n/)
  const refused = await simulate(server, [])
  expect(refused).toMatch(/could not enrol at http.*no enrolment profile: HTTP 403/)
  expect(await simulate(server, ['--enroll-token', 'open sesame'])).toMatch(/2 devices enrolled/)
  const edge = server
  await expect.poll(() => identities(edge)).toHaveLength(2)
})

const ANSWER = /It answers at once:\n(.+)\n/

/** Pastes what is printed, and compares the answer with what is printed of it. */
async function pasteFirst(edge: RunningServer): Promise<void> {
  await expect.poll(() => edge.output()).toMatch(ANSWER)
  const [, user = '', url = '', body = ''] =
    /curl -u '(\S+)' '(\S+)' -d '(.+)'/.exec(edge.output()) ?? []
  const headers = { authorization: `Basic ${btoa(user)}` }
  const answer = await fetchAlone(url, { method: 'POST', headers, body })
  const text = await answer.text()
  const [, shown = ''] = ANSWER.exec(edge.output()) ?? []
  for (const part of shown.split('…')) {
    expect(text).toContain(part.trim())
  }
  await expect
    .poll(() =>
      edge
        .output()
        .split('\n')
        .find((line) => line.includes('command:answered')),
    )
    .toMatch(
      /^\{"time":"20.+","level":"info","event":"command:answered",.*"ms":\d+,"model":"MacBook Pro","request_id":"\w+"\}$/,
    )
}

/** What it says until its devices are enrolled, or until it ends. */
async function simulate(edge: RunningServer, flags: readonly string[]): Promise<string> {
  const args = ['src/cli/simulate/simulate.ts', '--server', edge.url, '--devices', '2', ...flags]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const output = outputOf(child)
  const ended = once(child, 'close')
  // It prints this, or ends.
  await output.until('devices enrolled').catch(() => undefined)
  child.kill()
  await ended
  return output.text()
}
