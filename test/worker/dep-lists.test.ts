/** MicroMDM's auto-assigners, its sync, and what its list of devices shows of Apple Business Manager. */
import { beforeAll, beforeEach, expect, it } from 'vitest'
import { apple, connected, mdmctl, synced } from './abm-tools.ts'
import { turn } from './clock.ts'
import { api, enrolled, listedAs } from './server.ts'

const NEVER = '0001-01-01T00:00:00Z'
const PROFILE = { profile_name: 'macs', url: 'https://mdm.example.com/mdm/enroll' }

beforeAll(() => connected())
beforeEach(() => turn(60_000))

const listed = async (sent: object = {}) => {
  const { body } = await mdmctl('POST', '/v1/devices', {
    page: 0,
    per_page: 0,
    filter_serial: null,
    filter_udid: null,
    ...sent,
  })
  return body.devices as null | Record<string, unknown>[]
}
const assigner = () => mdmctl('GET', '/v1/dep/autoassigners')

it('keep one rule for all devices, behind other rules', async () => {
  const uuid = (await mdmctl('PUT', '/v1/dep/profiles', PROFILE)).body.profile_uuid
  const [account] = (await api<{ items: { id: string }[] }>('GET', '/api/dep/accounts')).body.items
  const path = `/api/dep/accounts/${account?.id}/rules`
  await api('PUT', path, { rules: [{ match: { family: ['iPad'] }, profile: 'macs' }] })
  expect((await assigner()).body).toEqual({ autoassigners: null })
  for (const profile_uuid of ['OTHER', uuid]) {
    const sent = { filter: '*', profile_uuid }
    expect(await mdmctl('POST', '/v1/dep/autoassigners', sent)).toMatchObject({
      status: 200,
      body: {},
    })
    expect((await assigner()).body).toEqual({ autoassigners: [sent] })
  }
  const { body } = await api<{ rules: object[] }>('GET', path)
  expect(body.rules).toMatchObject([
    { match: { family: ['iPad'] }, profile: 'macs' },
    { match: { family: null }, profile: uuid },
  ])
  await api('PUT', path, { rules: [{ match: {}, profile: 'macs' }] })
  expect((await assigner()).body).toEqual({
    autoassigners: [{ filter: '*', profile_uuid: uuid }],
  })
  expect((await mdmctl('DELETE', '/v1/dep/autoassigners', { filter: 'x' })).body).toEqual({})
  expect((await assigner()).body.autoassigners).toHaveLength(1)
  expect((await mdmctl('DELETE', '/v1/dep/autoassigners', { filter: '*' })).body).toEqual({})
  expect((await assigner()).body).toEqual({ autoassigners: null })
})

it('one call of syncnow takes 250 devices, and /v1/dep/sync tells of the run', async () => {
  const serials = Array.from({ length: 250 }, (_, n) => `C02SYNC${String(n).padStart(3, '0')}`)
  serials.forEach((serial_number) => apple.add({ serial_number }))
  expect(await mdmctl('POST', '/v1/dep/syncnow')).toMatchObject({
    status: 200,
    type: null,
    text: '',
  })
  expect(await listed({ filter_serial: serials })).toHaveLength(250)
  const { body } = await mdmctl('GET', '/v1/dep/sync')
  expect(body).toMatchObject({
    syncing: false,
    flag: '',
    not_before: NEVER,
    last_sync_at: expect.stringMatching(/^20/),
    last_run: { calls: expect.any(Number), devices: expect.any(Number), error: '' },
  })
  expect(body.last_run.devices).toBeGreaterThanOrEqual(250)
})

it('syncnow is 200 also when Apple refuses, and /v1/dep/sync has the reason', async () => {
  const stop = apple.fail({ path: '/devices/sync', status: 403, word: 'T_C_NOT_SIGNED' })
  expect(await mdmctl('POST', '/v1/dep/syncnow')).toMatchObject({ status: 200, text: '' })
  expect((await mdmctl('GET', '/v1/dep/sync')).body).toMatchObject({ flag: 'terms' })
  stop()
  turn(3_600_000)
  await mdmctl('POST', '/v1/dep/syncnow')
  expect((await mdmctl('GET', '/v1/dep/sync')).body).toMatchObject({ flag: '' })
})

it('show a device that only Apple knows until it is enrolled or taken away', async () => {
  const [known, gone] = ['C02KNOWN', 'C02GONE']
  apple.add({ serial_number: known })
  apple.add({ serial_number: gone })
  await synced()
  const abmOnly = (serial_number: string, dep_profile_status = 'empty') => ({
    serial_number,
    udid: '',
    enrollment_status: false,
    last_seen: NEVER,
    dep_profile_status,
  })
  expect(await listed({ filter_serial: [gone, known] })).toEqual([abmOnly(gone), abmOnly(known)])
  const uuid = (await mdmctl('PUT', '/v1/dep/profiles', PROFILE)).body.profile_uuid
  await mdmctl('POST', '/v1/dep/assign', { id: uuid, serials: [known] })
  expect(await listed({ filter_serial: [known] })).toEqual([abmOnly(known, 'assigned')])

  const device = await enrolled({ serial: known })
  await listedAs(device, 'enrolled')
  const its = { serial_number: known, udid: device.udid, enrollment_status: true }
  expect(await listed({ filter_serial: [known] })).toEqual([
    { ...its, last_seen: expect.any(String), dep_profile_status: 'assigned' },
  ])
  expect(await listed({ filter_udid: [device.udid] })).toMatchObject([
    { ...its, dep_profile_status: 'assigned' },
  ])
  expect((await listed())?.filter((one) => one['serial_number'] === known)).toHaveLength(1)

  turn(1000)
  apple.remove(known)
  apple.remove(gone)
  await synced()
  expect(await listed({ filter_serial: [gone] })).toBeNull()
  expect(await listed({ filter_serial: [known] })).toMatchObject([
    { ...its, dep_profile_status: '' },
  ])
})

it('a device that an admin deleted is still assigned to the server', async () => {
  apple.add({ serial_number: 'C02DELETED' })
  await synced()
  const device = await enrolled({ serial: 'C02DELETED' })
  await listedAs(device, 'enrolled')
  await api('DELETE', '/v1/devices', { Opts: { serials: ['C02DELETED'] } })
  expect(await listed({ filter_serial: ['C02DELETED'] })).toMatchObject([{ udid: '' }])
})
