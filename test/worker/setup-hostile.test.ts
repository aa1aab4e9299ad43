import { runInDurableObject } from 'cloudflare:test'
import { expect, it } from 'vitest'
import {
  listBlueprints,
  removeBlueprint,
  storeBlueprint,
} from '../../src/directory/blueprints/blueprints.ts'
import type { SimulatedDevice } from '../../src/simulator/device/device.ts'
import { turn } from './clock.ts'
import { api, env } from './server.ts'
import { blueprint, enrolling, waiting } from './setup-tools.ts'

interface Run {
  state: string
  steps: { state: string; note: string | null }[]
}

const runs = async ({ udid }: { readonly udid: string }): Promise<Run[]> =>
  (await api<{ items: Run[] }>('GET', `/api/devices/${udid}/setup`)).body.items

const named = (name: string) =>
  ({
    do: 'command',
    command: { request_type: 'Settings', settings: [{ item: 'DeviceName', device_name: name }] },
  }) as const

const types = ({ received }: SimulatedDevice): string[] =>
  received.map(({ requestType }) => requestType)

/** The device has proven its serial number, as by a challenge that was bound to it. */
async function proveSerial({ udid, serial: serial_number }: SimulatedDevice): Promise<void> {
  const path = `/api/devices/${udid}/serial-number/confirm`
  expect(await api('POST', path, { serial_number })).toMatchObject({ status: 200 })
}

it('a rival that reports the proven serial number of a device gets nothing of its blueprints', async () => {
  const serial = `S${crypto.randomUUID().slice(0, 8)}`
  await blueprint([named('locked')], { match: { serial: [serial] } })
  const { bp } = await blueprint([{ do: 'command', command: { request_type: 'SecurityInfo' } }])
  const device = enrolling('none', { serial })
  await device.enroll()
  await proveSerial(device)
  const rival = await waiting(bp, { udid: device.udid, serial })
  await rival.poll()
  expect(types(rival)).toEqual(['SecurityInfo', 'DeviceConfigured'])
})

it('what the setup of a rival had queued does not reach the device', async () => {
  const { bp } = await blueprint([{ do: 'hold' }, named('rival')])
  const device = enrolling('none')
  await device.enroll()
  const { udid, serial } = device
  const rival = await waiting(bp, { udid, serial })
  expect(await api('POST', `/api/devices/${udid}/setup`, { action: 'signal' })).toMatchObject({
    status: 200,
  })
  await api('POST', '/v1/commands', { udid, request_type: 'SecurityInfo' })
  await device.poll()
  await device.poll()
  expect(types(device)).toEqual(['DeviceInformation', 'SecurityInfo'])
  expect(types(rival)).toEqual([])
  expect(await runs(device)).toMatchObject([{ state: 'superseded' }, { state: 'none' }])
})

it('a rival does not end the setup of a device, even while there are no blueprints', async () => {
  const { bp } = await blueprint([{ do: 'hold' }])
  const device = await waiting(bp)
  const { udid, serial } = device
  await api('POST', '/v1/commands', { udid, request_type: 'SecurityInfo' })
  const all = await listBlueprints(env.DB)
  for (const { blueprint: one } of all) {
    await removeBlueprint(env.DB, one.uuid)
  }
  turn(31_000)
  await enrolling('none', { udid, serial }).enroll()
  for (const { blueprint: one } of all) {
    await storeBlueprint(env.DB, one, 0)
  }
  turn(31_000)
  await endSetup(device)
  expect(types(device)).toEqual(['DeviceInformation', 'DeviceConfigured', 'SecurityInfo'])
})

it('a device goes on with its setup after any number of rivals', async () => {
  const { bp } = await blueprint([{ do: 'hold' }])
  const device = await waiting(bp)
  const { udid, serial } = device
  for (let rivals = 0; rivals < 7; rivals++) {
    await waiting(bp, { udid, serial })
  }
  await endSetup(device)
  expect(types(device)).toEqual(['DeviceInformation', 'DeviceConfigured'])
})

/** The device answers the probe of its contest, and an admin ends the hold of its setup. */
async function endSetup(device: SimulatedDevice): Promise<void> {
  await device.poll()
  await device.poll()
  expect((await runs(device))[0]).toMatchObject({ state: 'running' })
  await api('POST', `/api/devices/${device.udid}/setup`, { action: 'signal' })
  await device.poll()
}

it('of what a device says of its release the beginning is kept', async () => {
  const { bp } = await blueprint([])
  const device = await waiting(bp, { answer: () => 'silence' })
  await device.poll()
  const USEnglishDescription = `over${'x'.repeat(100_000)}`
  await device.connect({
    Status: 'Error',
    CommandUUID: device.received[0]?.uuid ?? '',
    ErrorChain: [{ ErrorCode: 1, ErrorDomain: 'D', USEnglishDescription }],
  })
  const told = await runInDurableObject(env.DEVICE.getByName(device.udid), (_, { storage }) =>
    storage.sql.exec("SELECT about FROM events WHERE topic = 'setup.released'").one(),
  )
  expect(told['about']).toMatch(/"error":"overx{496}"/)
})
