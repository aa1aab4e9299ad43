import { afterEach, expect, it, vi } from 'vitest'
import type { SimulatedDevice } from '../../src/simulator/device/device.ts'
import { BASIC, api, enrolled, newDevice, serve, until } from './server.ts'
import { newHook, removeHooks } from './webhook-tools.ts'

/** As Cloudflare writes it: no sender can. */
const ray = (n: number): string => `${n.toString(16).padStart(16, '0')}-FRA`

const asked = (id: string, path: string, init: RequestInit = {}): Promise<Response> =>
  serve(path, { ...init, headers: { authorization: BASIC, 'cf-ray': id } })

function logged(): () => Record<string, unknown>[] {
  const spy = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  return () => spy.mock.calls.map(([line]) => JSON.parse(String(line)))
}

/** A Mac whose requests have an id, and whose OS lacks a command. */
async function macOf(id: string): Promise<SimulatedDevice> {
  const device = newDevice({
    fetch: (url, init) =>
      serve(new URL(url).pathname, {
        ...(init as RequestInit),
        headers: { ...(init?.headers as Record<string, string>), 'cf-ray': id },
      }),
    answer: () => ({ Status: 'Acknowledged', QueryResponses: { OSVersion: '27.0' } }),
  })
  await device.enroll()
  const command = { request_type: 'DeviceInformation', queries: ['OSVersion'] }
  await api('POST', `/api/devices/${device.udid}/commands`, command)
  await device.poll()
  return device
}

/** By MicroMDM's API, which takes what the device's OS lacks: an event and a line of the log say so. */
const scan = (udid: string, id: string): Promise<Response> =>
  asked(id, '/v1/commands', {
    method: 'POST',
    body: JSON.stringify({ udid, request_type: 'ScheduleOSUpdateScan' }),
  })

afterEach(async () => {
  vi.restoreAllMocks()
  await removeHooks()
})

it('an error has its request’s id, and so does each answer to an admin', async () => {
  const response = await asked(ray(1), '/api/devices/UNKNOWN/retire', { method: 'POST' })
  expect(await response.json()).toMatchObject({
    status: 404,
    code: 'device_not_found',
    request_id: ray(1),
  })
  const paths = ['/api/devices', '/api/docs', '/api/nothing', '/v1/commands/X', '/version', '/none']
  for (const path of paths) {
    expect((await asked(ray(2), path)).headers.get('x-request-id'), path).toBe(ray(2))
  }
  expect((await serve('/v1/devices')).headers.get('x-request-id')).toMatch(/^[\da-f]{12}$/)
})

it('a line of the log has the id of the request that is handled, also in an object', async () => {
  const device = await macOf(ray(4))
  const { udid } = device
  const lines = logged()
  await Promise.all([
    scan(udid, ray(3)),
    asked(ray(5), '/api/nothing'),
    device.connect({ Status: 'Error', CommandUUID: 'none' }),
  ])
  expect(lines()).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ event: 'command:unsupported', device: udid, request_id: ray(3) }),
      expect.objectContaining({ event: 'mdm:unknown-command', device: udid, request_id: ray(4) }),
    ]),
  )
})

it('an event has the id of the device’s or the admin’s request that caused it', async () => {
  const hook = await newHook({ topics: ['mdm.TokenUpdate', 'command.unsupported'] })
  const { udid } = await macOf(ray(6))
  await scan(udid, ray(7))
  expect(await hook.events(udid, 2)).toMatchObject([
    { topic: 'mdm.TokenUpdate', request_id: ray(6) },
    { topic: 'command.unsupported', request_id: ray(7) },
  ])
  await asked(ray(9), `/api/webhooks/${hook.id}/test`, { method: 'POST' })
  expect(await hook.events('TEST', 1)).toMatchObject([
    { topic: 'webhook.test', request_id: ray(9) },
  ])
})

it('posts that an admin lets go on are no part of that request', async () => {
  const hook = await newHook({ topics: ['mdm.TokenUpdate'] })
  await hook.call('pause')
  await enrolled()
  await hook.answers(503, 1)
  const lines = logged()
  await asked(ray(8), `/api/webhooks/${hook.id}/resume`, { method: 'POST' })
  const line = await until(
    async () => lines().find(({ event }) => event === 'webhook:down'),
    (found) => found !== undefined,
  )
  expect(line).not.toHaveProperty('request_id')
})
