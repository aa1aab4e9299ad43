/** A server whose keys no setting has: its page claims it, and its keys move to the secrets later. */
import { expect, it, onTestFinished } from 'vitest'
import { buildCode, startDeployment, type Deployment } from './update/deployment.ts'
import { beginWalk } from './update/walk.ts'
import { createWorld, ORIGIN } from './update/world.ts'
import { newState, PROJECT } from './server.ts'

const CODE = 'the owner made this code up: 7719'

async function post(
  deployment: Deployment,
  path: string,
): Promise<{ status: number; body: Record<string, string> }> {
  const answer = await deployment.fetch(ORIGIN + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-edgemdm': 'setup' },
    body: JSON.stringify({ code: CODE }),
  })
  return { status: answer.status, body: await answer.json() }
}

it('all objects work with keys out of Control, after restarts, and when the keys have moved', async () => {
  const world = createWorld()
  const code = await buildCode(PROJECT)
  const pair = { worker: code, objects: code }
  const unset = { ...world.outside.bindings, ENROLLMENT: 'token', SETUP_CODE: CODE }
  const deployment = await startDeployment(
    {
      ...world.outside,
      state: await newState(),
      bindings: unset,
      shared: new Set(code.objects.values()),
      newer: code,
    },
    pair,
  )
  onTestFinished(deployment.close)
  world.use(deployment)
  const device = world.newDevice('EARLY')
  expect((await device.enroll()).status).toBe(503)
  const { body: shown } = await post(deployment, '/setup/claim')
  await deployment.deploy(pair)
  expect(await post(deployment, '/setup/claim')).toEqual({ status: 200, body: shown })
  expect((await post(deployment, '/setup/confirm')).status).toBe(200)
  world.useKey(shown['api_key'] ?? '')
  world.failures.length = 0

  const links = async () => (await world.api('GET', '/api/enrollment')).body
  const walk = await beginWalk(world)
  await walk.stage('claimed')
  const link = await links()
  await deployment.deploy(pair)
  await walk.stage('restarted')
  const secrets = { API_KEY: 'break glass', SEAL_KEYS: shown['seal_keys'] ?? '' }
  await deployment.deploy(pair, { ...unset, ...secrets })
  expect((await world.api('DELETE', '/api/seal-keys/control')).status).toBe(204)
  await walk.stage('moved')
  expect(await links()).toEqual(link)
  expect(world.failures).toEqual([])
  const faults =
    /"(?:http:error|background:failed|queue:|cron:failed|claim:unreadable|claim:not-noted)/
  expect(deployment.lines.filter((line) => faults.test(line))).toEqual([])

  await deployment.deploy(pair)
  expect(await world.api('GET', '/api/devices')).toMatchObject({
    status: 503,
    body: { code: 'not_configured', detail: expect.stringContaining('SEAL_KEYS is not set') },
  })
  expect((await post(deployment, '/setup/claim')).body['code']).toBe('not_configured')
  const [veteran] = walk.devices
  expect((await veteran?.connect({ Status: 'Idle' }))?.status).toBe(503)
})
