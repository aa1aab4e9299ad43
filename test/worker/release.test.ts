import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { fromNow, turn } from './clock.ts'
import { ended, newIds, objectOf, outcomesOf, ring, withKey } from './job-tools.ts'
import { heldAt, moved, releaseAt, releaseMany } from './release-tools.ts'
import { api, decide, enrolled, listedAs, newDevice, pushes } from './server.ts'
import { received, withUser } from './user-tools.ts'

const HOUR = 3_600_000

describe('a command that came with a moved fleet', () => {
  it('waits for a release, and goes out in its order then', async () => {
    const device = await enrolled()
    for (const uuid of ['one', 'two', 'three']) {
      await moved(device.udid, uuid)
    }
    await api('POST', `/api/devices/${device.udid}/commands`, {
      request_type: 'ProfileList',
      command_uuid: 'new',
    })
    expect(await received(device)).toEqual(['new'])
    expect(await heldAt(device.udid)).toMatchObject([
      { command_uuid: 'one', state: 'held', held_for: 'moved' },
      { command_uuid: 'two' },
      { command_uuid: 'three' },
    ])
    const before = await pushes(device, 0)
    expect((await releaseAt(device.udid)).body).toEqual({ released: 3, held: 0 })
    await pushes(device, before.length + 1)
    expect(await received(device)).toEqual(['new', 'one', 'two', 'three'])
  })

  it('is released by its own id only if it is destructive', async () => {
    const device = await enrolled()
    const erase = await moved(device.udid, 'erase', 'EraseDevice')
    const remove = await moved(device.udid, 'remove', 'RemoveProfile')
    await moved(device.udid, 'profile')
    const request_types = ['EraseDevice', 'RemoveProfile']
    expect((await releaseAt(device.udid, { request_types })).body).toEqual({ released: 0, held: 3 })
    expect((await releaseAt(device.udid)).body).toEqual({ released: 1, held: 2 })
    expect(await received(device)).toEqual(['profile'])
    for (const id of [remove, erase]) {
      expect((await api('POST', `/api/commands/${id}/release`)).body).toMatchObject({
        state: 'queued',
        held_for: null,
      })
    }
    expect(await received(device)).toEqual(['profile', 'erase', 'remove'])
  })

  it('waits for the device to enrol before it can be released', async () => {
    const device = newDevice()
    await moved(device.udid, 'profile')
    for (const filter of [undefined, { request_types: ['InstallProfile'] }]) {
      expect(await releaseAt(device.udid, filter)).toMatchObject({
        status: 409,
        body: { detail: expect.stringContaining('no device has enrolled') },
      })
    }
    await device.enroll()
    expect(await received(device)).toEqual([])
    expect((await releaseAt(device.udid)).body).toEqual({ released: 1, held: 0 })
  })

  it('stays held during a contest', async () => {
    const { udid, serial } = await enrolled()
    await moved(udid, 'profile')
    const other = await enrolled({ udid, serial })
    for (const filter of [undefined, { request_types: ['InstallProfile'] }]) {
      expect((await releaseAt(udid, filter)).body).toEqual({ released: 0, held: 1 })
    }
    expect(await received(other)).toEqual([])
    await decide('new', other)
    expect(await heldAt(udid)).toMatchObject([{ command_uuid: 'profile', held_for: 'moved' }])
    expect((await releaseAt(udid)).body).toEqual({ released: 1, held: 0 })
    expect(await received(other)).toEqual(['profile'])
  })
})

describe('a release with a filter', () => {
  it('releases the types that it names', async () => {
    const device = await enrolled()
    await moved(device.udid, 'profile')
    await moved(device.udid, 'list', 'ProfileList')
    const request_types = ['ProfileList', 'DeviceLock']
    expect((await releaseAt(device.udid, { request_types })).body).toEqual({ released: 1, held: 1 })
    expect(await received(device)).toEqual(['list'])
  })

  it('releases commands from before a time, and those of a time or later', async () => {
    const device = await enrolled()
    const times = []
    for (const uuid of ['first', 'second', 'third', 'fourth']) {
      turn(HOUR)
      times.push(fromNow(0))
      await moved(device.udid, uuid)
    }
    const [, second, third] = times
    const release = async (filter: object) => (await releaseAt(device.udid, filter)).body.released
    expect(await release({ queued_after: second, queued_before: third })).toBe(1)
    expect(await received(device)).toEqual(['second'])
    expect(await release({ queued_before: third })).toBe(1)
    expect(await received(device)).toEqual(['second', 'first'])
    expect(await release({ queued_after: third, request_types: ['ProfileList'] })).toBe(0)
    expect(await release({ queued_after: third })).toBe(2)
    expect(await received(device)).toEqual(['second', 'first', 'third', 'fourth'])
  })

  it('is one of the device’s users too', async () => {
    const { device, user, id } = await withUser()
    await moved(id, 'for ada')
    await moved(device.udid, 'for the device')
    const filter = { request_types: ['InstallProfile'] }
    expect((await releaseAt(device.udid, filter)).body).toEqual({ released: 2, held: 0 })
    expect(await received(user)).toEqual(['for ada'])
    await moved(id, 'once more')
    await moved(device.udid, 'another')
    expect((await releaseAt(id, filter)).body).toEqual({ released: 1, held: 0 })
    expect(await received(device)).toEqual(['for the device'])
    expect(await received(user)).toEqual(['for ada', 'once more'])
  })

  it('does not confirm that an id, which is a user’s too, means the device', async () => {
    const { userId } = await withUser()
    const device = await enrolled({ udid: userId })
    const lock = () =>
      api('POST', `/api/devices/${userId}/commands`, { request_type: 'DeviceLock' })
    await lock()
    const filter = { request_types: ['DeviceLock'] }
    expect((await releaseAt(userId, filter)).body).toEqual({ released: 1, held: 0 })
    expect(await received(device)).toHaveLength(1)
    expect((await lock()).body).toMatchObject({ state: 'held', held_for: 'arrival' })
    await releaseAt(userId, {})
    expect((await lock()).body).toMatchObject({ state: 'queued' })
  })

  it.each([
    [{ request_types: ['InstalProfile'] }, 'request_types.0: Apple documents no command of that'],
    [{ request_types: ['InstalProfile'] }, 'did you mean InstallProfile?'],
    [{ request_types: [] }, 'leave it out for all types'],
    [{ request_type: ['EraseDevice'] }, 'did you mean request_types?'],
    [{ queued_before: 'tomorrow' }, '"tomorrow" is no time'],
    [{ queued_after: fromNow(1), queued_before: fromNow(1) }, '`queued_after` lies behind'],
    ['["one"]', 'has to be an object'],
  ])('refuses %j, and says why', async (filter, reason) => {
    const device = await enrolled()
    await moved(device.udid, 'profile')
    expect(await releaseAt(device.udid, filter)).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining(reason) },
    })
    expect(await heldAt(device.udid)).toHaveLength(1)
  })

  it.each(['', '{}'])('is none if the body is `%s`: all go out', async (empty) => {
    const device = await enrolled()
    await moved(device.udid, 'profile')
    expect((await releaseAt(device.udid, empty)).body).toEqual({ released: 1, held: 0 })
  })
})

describe('a release at many devices', () => {
  /** Enrolled devices with two profiles each that came with a moved fleet. */
  async function fleet(count: number) {
    const devices = await Promise.all(Array.from({ length: count }, () => enrolled()))
    for (const { udid } of devices) {
      await moved(udid, 'one')
      await moved(udid, 'two')
    }
    return { devices, ids: devices.map(({ udid }) => udid) }
  }

  it('counts the commands of each id, and says of each other one why there are none', async () => {
    const { devices, ids } = await fleet(2)
    const { udid: none } = await enrolled()
    const early = newDevice().udid
    await moved(early, 'early')
    const [unknown = ''] = newIds(1)
    const { status, body } = await releaseMany({ ids: [...ids, none, early, unknown, ''] })
    expect(status).toBe(200)
    expect(body).toMatchObject({
      kind: 'release',
      state: 'finished',
      command: null,
      release: { request_types: null, queued_before: null, queued_after: null },
      done: 3,
      failed: 3,
    })
    expect(body.outcomes).toMatchObject([
      { id: ids[0], state: 'done', released: 2, command_id: null, error: null },
      { id: ids[1], state: 'done', released: 2 },
      { id: none, state: 'done', released: 0 },
      { id: early, state: 'failed', released: null, error: expect.stringContaining('enrolled') },
      { id: unknown, state: 'failed', error: 'no enrolment with this id is known' },
      { id: '', state: 'failed', error: expect.stringContaining('it is empty') },
    ])
    for (const device of devices) {
      expect(await received(device)).toEqual(['one', 'two'])
    }
  })

  it('leaves destructive commands, and those that are held for another reason', async () => {
    const device = newDevice()
    const { udid } = device
    const profile = { request_type: 'InstallProfile', payload: btoa('<plist/>') }
    await api('POST', `/api/devices/${udid}/commands`, profile)
    await device.enroll()
    await moved(udid, 'erase', 'EraseDevice')
    await moved(udid, 'remove', 'RemoveProfile')
    await moved(udid, 'list', 'ProfileList')
    for (const request_types of [['EraseDevice', 'RemoveProfile'], undefined]) {
      const { body } = await releaseMany({ ids: [udid], request_types })
      expect(body.outcomes).toMatchObject([{ released: request_types ? 0 : 1 }])
    }
    expect(await received(device)).toEqual(['list'])
    expect(await heldAt(udid)).toMatchObject([
      { held_for: 'arrival' },
      { command_uuid: 'erase', held_for: 'moved' },
      { command_uuid: 'remove', held_for: 'moved' },
    ])
  })

  it('takes a filter of devices and one of commands, and releases those of users too', async () => {
    const { device, user, id } = await withUser()
    await listedAs(device, 'enrolled')
    const other = await enrolled()
    await moved(device.udid, 'old')
    turn(HOUR)
    const queued_after = fromNow(0)
    await moved(device.udid, 'new')
    await moved(id, 'for ada')
    await moved(id, 'list', 'ProfileList')
    await moved(other.udid, 'of another')
    const { body } = await releaseMany({
      filter: { serial_number: [device.serial] },
      request_types: ['InstallProfile'],
      queued_after,
    })
    expect(body).toMatchObject({
      release: { request_types: ['InstallProfile'], queued_before: null, queued_after },
      outcomes: [{ id: device.udid, released: 2 }],
    })
    expect(await received(device)).toEqual(['new'])
    expect(await received(user)).toEqual(['for ada'])
    expect(await received(other)).toEqual([])
  })

  it('goes over the whole fleet at its pace', async () => {
    const { devices, ids } = await fleet(11)
    const { status, body } = await releaseMany({ ids, pace: 60 })
    expect(status).toBe(202)
    expect(await ring(body.id)).toMatchObject({ state: 'running', done: 10 })
    await Promise.all(devices.map((device) => listedAs(device, 'enrolled')))
    const all = await releaseMany({ all: true, pace: 6000 })
    await ended(all.body.id)
    const outcomes = new Map((await outcomesOf(all.body.id)).map((one) => [one.id, one.released]))
    expect(ids.map((id) => outcomes.get(id))).toEqual([...Array.from({ length: 10 }, () => 0), 2])
  })

  it('changes nothing when it is repeated after a crash', async () => {
    const { devices, ids } = await fleet(3)
    const { body } = await releaseMany({ ids, pace: 6000 })
    await ended(body.id)
    const [device] = devices
    expect(device && (await received(device))).toEqual(['one', 'two'])
    await runInDurableObject(objectOf(body.id), (_, { storage }) => {
      storage.sql.exec("UPDATE pages SET waiting = 3, outcomes = '[null,null,null]'")
      storage.sql.exec("UPDATE job SET state = 'running', ended_at = 0")
    })
    await evictDurableObject(objectOf(body.id))
    expect(await ended(body.id)).toMatchObject({ state: 'finished', done: 3 })
    for (const one of devices) {
      expect(await received(one)).toEqual(['one', 'two'])
    }
  })

  it('is the same job when its request is repeated with its Idempotency-Key', async () => {
    const { ids } = await fleet(1)
    const key = crypto.randomUUID()
    const path = '/api/commands/release'
    const first = await withKey(key, { ids }, path)
    expect(first.body.outcomes).toMatchObject([{ released: 2 }])
    expect(await withKey(key, { ids }, path)).toEqual(first)
    expect((await withKey(key, { ids: ['other'] }, path)).status).toBe(422)
  })

  it.each([
    [{}, 'name the devices in one way'],
    [{ ids: ['A'], all: true }, 'name the devices in one way'],
    [{ ids: ['A'], request_types: ['EraseDevise'] }, 'did you mean EraseDevice?'],
    [{ ids: ['A'], queued_before: fromNow(0), queued_after: fromNow(1) }, 'lies behind'],
    [{ filter: { os_version: '999' } }, 'no enrolled device fits'],
    [{ ids: ['A'], command: {} }, 'Unrecognized key'],
  ])('is refused as %j, with the reason', async (body, reason) => {
    expect(await releaseMany(body)).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining(reason) },
    })
  })
})
