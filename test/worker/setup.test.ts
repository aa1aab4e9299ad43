import { runDurableObjectAlarm } from 'cloudflare:test'
import { expect, it } from 'vitest'
import { turn } from './clock.ts'
import { api, env, until } from './server.ts'
import { blueprint, enrolling, waiting } from './setup-tools.ts'

interface Step {
  step: number
  do: string
  state: string
  note: string | null
  command_id: string | null
}
interface Run {
  run: number
  state: string
  awaiting: boolean
  seconds_left: number | null
  steps: Step[]
  blueprints: { name: string }[]
}

const runs = async (device: { readonly udid: string }): Promise<Run[]> =>
  (await api<{ items: Run[] }>('GET', `/api/devices/${device.udid}/setup`)).body.items

const act = (device: { readonly udid: string }, action: string, step?: number) =>
  api<Run & { code?: string; detail?: string }>('POST', `/api/devices/${device.udid}/setup`, {
    action,
    ...(step !== undefined && { step }),
  })

const settings = (name: string) =>
  ({
    do: 'command',
    command: { request_type: 'Settings', settings: [{ item: 'DeviceName', device_name: name }] },
  }) as const

const types = (device: { received: readonly { requestType: string }[] }): string[] =>
  device.received.map(({ requestType }) => requestType)

it('takes a waiting device through its steps, and releases it last', async () => {
  const { bp } = await blueprint([
    settings('one'),
    { do: 'command', command: { request_type: 'DeviceInformation', queries: ['OSVersion'] } },
    { do: 'release' },
  ])
  const device = await waiting(bp)
  await device.poll()
  expect(types(device)).toEqual(['Settings', 'DeviceInformation', 'DeviceConfigured'])
  expect(await runs(device)).toMatchObject([
    { run: 1, state: 'released', awaiting: true, blueprints: [{ name: `Mac ${bp}` }] },
  ])
})

it('gives a device nothing for which no blueprint is, and says so', async () => {
  await blueprint([settings('one')])
  const device = await waiting('other')
  await device.poll()
  expect(types(device)).toEqual([])
  expect(await runs(device)).toMatchObject([{ state: 'none' }])
})

it('gives a waiting device nothing while D1 does not answer, and goes on by itself', async () => {
  const { bp } = await blueprint([settings('one')])
  turn(60_000)
  const device = enrolling(bp)
  await device.authenticate()
  await env.DB.exec('ALTER TABLE blueprints RENAME TO gone')
  await device.tokenUpdate({ awaitingConfiguration: true })
  await device.poll()
  expect(types(device)).toEqual([])
  expect(await runs(device)).toMatchObject([{ state: 'pending' }])
  await env.DB.exec('ALTER TABLE gone RENAME TO blueprints')
  turn(61_000)
  await runDurableObjectAlarm(env.DEVICE.getByName(device.udid))
  await until(
    () => runs(device),
    ([run]) => run?.state === 'running',
  )
  await device.poll()
  expect(types(device)).toEqual(['Settings', 'DeviceConfigured'])
})

it('lets an admin release, skip, repeat and restart', async () => {
  const { bp } = await blueprint([{ do: 'hold' }, settings('one')], { release: 'manual' })
  const device = await waiting(bp)
  await device.poll()
  expect(types(device)).toEqual([])
  expect((await act(device, 'signal')).body).toMatchObject({ state: 'running' })
  await device.poll()
  expect(await runs(device)).toMatchObject([{ state: 'held' }])
  expect((await act(device, 'retry', 1)).body).toMatchObject({ state: 'running' })
  await device.poll()
  expect(types(device)).toEqual(['Settings', 'Settings'])
  expect(await act(device, 'retry', 7)).toMatchObject({
    status: 409,
    body: { code: 'setup_refused' },
  })
  expect((await act(device, 'release')).body).toMatchObject({ state: 'releasing' })
  await device.poll()
  expect(types(device).at(-1)).toBe('DeviceConfigured')
  expect(await act(device, 'skip')).toMatchObject({ status: 409, body: { code: 'setup_refused' } })
})

it('steers nothing on a device that it does not know', async () => {
  expect(await api('GET', '/api/devices/UNHEARD-OF/setup')).toMatchObject({ status: 404 })
  expect(await act({ udid: 'UNHEARD-OF' }, 'release')).toMatchObject({ status: 404 })
})

it('runs again after a wipe, with the same UDID and with another one', async () => {
  const { bp } = await blueprint([settings('one')])
  const device = await waiting(bp)
  await device.poll()
  const wiped = await waiting(bp, { udid: device.udid, serial: device.serial })
  await wiped.poll()
  expect(types(wiped)).toEqual(['Settings', 'DeviceConfigured'])
  const twin = await waiting(bp, { serial: device.serial })
  await twin.poll()
  expect(types(twin)).toEqual(['Settings', 'DeviceConfigured'])
})

it('gives a device that does not wait the steps without account and release', async () => {
  const { bp } = await blueprint([{ do: 'account', skip_primary: false }, settings('one')])
  const device = enrolling(bp)
  await device.enroll()
  await until(
    () => runs(device),
    ([run]) => run?.state === 'running',
  )
  await device.poll()
  expect(types(device)).toEqual(['Settings'])
  expect(await runs(device)).toMatchObject([{ state: 'finished' }])
})
