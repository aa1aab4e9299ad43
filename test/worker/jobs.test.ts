import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { createHash } from 'node:crypto'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { commandKind } from '../../src/jobs/command.ts'
import type { SimulatedDevice } from '../../src/simulator/device/device.ts'
import { clock, turn } from './clock.ts'
import {
  bulk,
  confirm,
  ended,
  jobOf,
  newIds,
  objectOf,
  ORDER,
  outcomesOf,
  queued,
  ring,
  withKey,
  type JobBody,
} from './job-tools.ts'
import { api, listedAs, newDevice, until } from './server.ts'

afterEach(() => vi.restoreAllMocks())

/** Enrols a device, until the directory knows it. */
async function enrolled(device: SimulatedDevice): Promise<void> {
  await device.enroll()
  await listedAs(device, 'enrolled')
}

describe('a command to a few ids', () => {
  it('a bad id does not fail the others, and a command for an unknown id waits', async () => {
    const [known = '', unknown = ''] = newIds(2)
    const device = newDevice({ udid: known })
    await device.enroll()
    const ids = [known, '', 7, 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF', unknown, 'a\nb', known]
    const { status, body } = await bulk({ ids, command: { ...ORDER, command_uuid: 'few' } })
    expect(status).toBe(200)
    expect(body).toMatchObject({ state: 'finished', total: 6, done: 2, failed: 4, waiting: 0 })
    expect(body.outcomes).toMatchObject([
      { id: known, state: 'done', command_id: `${known}.1`, error: null },
      { id: '', state: 'failed', command_id: null, error: 'not an enrolment id: it is empty' },
      { id: '7', state: 'failed', error: expect.stringContaining('of type number') },
      { state: 'failed', error: expect.stringContaining('UDID:UserShortName') },
      { id: unknown, state: 'done', command_id: `${unknown}.1` },
      { id: 'a\nb', state: 'failed', error: expect.stringContaining('control characters') },
    ])
    expect(await queued(known)).toEqual(['few'])
    const late = newDevice({ udid: unknown })
    await late.enroll()
    await late.poll()
    expect(late.received.map(({ uuid }) => uuid)).toEqual(['few'])
  })

  it('gives each device its own CommandUUID with InstallProfile, unless the caller names one', async () => {
    const ids = newIds(2)
    const devices = ids.map((udid) => newDevice({ udid }))
    await Promise.all(devices.map((device) => device.enroll()))
    const command = { request_type: 'InstallProfile', payload: btoa('<plist><dict/></plist>') }
    await bulk({ ids, command })
    await bulk({ ids, command: { ...command, command_uuid: 'named' } })
    await Promise.all(devices.map((device) => device.poll()))
    const [one, other] = devices.map(({ received }) => received.map(({ uuid }) => uuid))
    expect([one?.[1], other?.[1]]).toEqual(['named', 'named'])
    expect(one?.[0]).not.toBe(other?.[0])
    expect(await queued(ids[0] ?? '')).toEqual([])
  })

  it('names the command where a bare UserID led to', async () => {
    const device = newDevice()
    await device.enroll()
    const userId = crypto.randomUUID()
    await device.userChannel({ userId, shortName: 'ada' }).tokenUpdate()
    const { body } = await bulk({ ids: [userId], command: ORDER })
    expect(body.outcomes?.[0]).toMatchObject({
      id: userId,
      command_id: `${device.udid}:${userId}.1`,
    })
  })

  it('says of each device why a command cannot be queued there', async () => {
    const { body } = await bulk({ ids: newIds(1), command: { request_type: 'ClearPasscode' } })
    expect(body.outcomes?.[0]).toMatchObject({
      state: 'failed',
      error: expect.stringContaining('unlock token'),
    })
  })

  it.each([
    [{}, 'name the devices in one way'],
    [{ ids: ['A'], all: true }, 'name the devices in one way'],
    [{ ids: [] }, 'no device is meant'],
    [{ filter: {} }, 'name at least one word'],
    [{ filter: { os_version: '999' } }, 'no enrolled device fits'],
    [{ ids: ['A'], command: { request_type: 'Nope' } }, 'no request_type Nope'],
  ])('refuses %j with the reason', async (body, reason) => {
    const answer = await bulk({ command: ORDER, ...body })
    expect(answer).toMatchObject({ status: 400, body: { detail: expect.stringContaining(reason) } })
  })
})

describe('a destructive command', () => {
  it.each([
    ['EraseDevice', {}],
    ['DeviceLock', {}],
    ['ClearPasscode', { unlock_token: 'AAAA' }],
    ['DeleteUser', { username: 'u' }],
    ['ShutDownDevice', {}],
    ['SetFirmwarePassword', { new_password: 'n' }],
    ['SetRecoveryLock', { new_password: '' }],
    ['SetAutoAdminPassword', { guid: 'G', password_hash: 'AAAA' }],
    ['ClearRestrictionsPassword', {}],
    ['RemoveProfile', { identifier: 'com.github.micromdm.micromdm.enroll' }],
  ])('%s goes to more than one device only with their number', async (request_type, fields) => {
    const command = { request_type, ...fields }
    const ids = [...newIds(2), '']
    for (const wrong of [{}, confirm(request_type, 3), confirm('ProfileList', 2)]) {
      const { status, body } = await bulk({ ids, command, ...wrong })
      expect(status).toBe(409)
      expect(body.detail).toContain(`"confirm": {"request_type":"${request_type}","count":2}`)
    }
    expect(await queued(ids[0] ?? '')).toEqual([])
    expect((await bulk({ ids, command, ...confirm(request_type, 2) })).body.done).toBe(2)
    expect((await bulk({ ids: newIds(1), command })).body.done).toBe(1)
  })

  it('is known under Apple’s keys too', async () => {
    const [one, two] = [newDevice(), newDevice()]
    await Promise.all([enrolled(one), enrolled(two)])
    const command = { Command: { RequestType: 'EraseDevice' } }
    const named = await bulk({ ids: [one.udid, two.udid], command })
    expect(named.status).toBe(409)
    expect(named.body.detail).toContain('EraseDevice to 2 devices')
  })

  it('another profile is removed without asking', async () => {
    const command = { request_type: 'RemoveProfile', identifier: 'com.example.wifi' }
    expect((await bulk({ ids: newIds(2), command })).status).toBe(200)
  })

  it('rests sealed in the job as well', async () => {
    const key = crypto.randomUUID()
    const order = { ids: newIds(1), command: { request_type: 'DeviceLock', pin: '864209' } }
    const { body } = await withKey(key, order)
    await runInDurableObject(objectOf(body.id), (_, state) => {
      const rows = state.storage.sql.exec('SELECT * FROM job').toArray()
      const text = rows.flatMap((row) =>
        Object.values(row).map((value) =>
          value instanceof ArrayBuffer ? Buffer.from(value).toString('latin1') : String(value),
        ),
      )
      expect(text.join()).toContain('DeviceLock')
      expect(text.join()).not.toContain('864209')
      // The request's hash does not give away a PIN either, which has only a million values.
      const plain = createHash('sha256').update(JSON.stringify(order)).digest('hex')
      expect(text.join()).not.toContain(plain)
    })
  })
})

describe('a job', () => {
  it('queues for hundreds of ids, and shows its progress and each outcome', async () => {
    // Most lead nowhere: a device that is new costs this machine milliseconds.
    const good = newIds(30)
    const ids = Array.from({ length: 520 }, (_, n) => good[n - 490] ?? `bad\n${n}`)
    // Later than every other job, so that it is the first of the list.
    turn(1000)
    const { status, body } = await bulk({ ids, command: ORDER })
    expect(status).toBe(202)
    expect(body.outcomes).toBeNull()
    const job = await ended(body.id)
    expect(job).toMatchObject({ state: 'finished', total: 520, done: 30, failed: 490, waiting: 0 })
    const outcomes = await outcomesOf(job.id)
    expect(outcomes.map(({ id }) => id)).toEqual(ids)
    expect(outcomes[519]).toMatchObject({ state: 'done', command_id: `${ids[519]}.1` })
    expect((await outcomesOf(job.id, '&state=done')).map(({ id }) => id)).toEqual(good)
    expect(await outcomesOf(job.id, '&state=waiting')).toEqual([])
    expect(await queued(ids[510] ?? '')).toEqual([job.command.command_uuid])
    const { body: listed } = await api<{ items: JobBody[] }>('GET', '/api/jobs?limit=1')
    expect(listed.items).toEqual([job])
    // Its rows are pages, not ids: two of them, each written when the job was made and when it was done.
    await runInDurableObject(objectOf(job.id), (_, state) => {
      expect(state.storage.sql.exec('SELECT count(*) AS n FROM pages').one()).toEqual({ n: 2 })
    })
  })

  it('queues nothing twice when it dies in the middle of a batch', async () => {
    const ids = newIds(40)
    const { body } = await bulk({ ids, command: ORDER })
    await ended(body.id)
    await runInDurableObject(objectOf(body.id), (_, state) => {
      const lost = JSON.stringify(ids.map((_id, n) => (n < 10 ? 1 : null)))
      state.storage.sql.exec('UPDATE pages SET waiting = 30, outcomes = ?', lost)
      state.storage.sql.exec("UPDATE job SET state = 'running', ended_at = 0")
    })
    await evictDurableObject(objectOf(body.id))
    expect(await ended(body.id)).toMatchObject({ state: 'finished', done: 40 })
    for (const id of ids) {
      expect(await queued(id)).toHaveLength(1)
    }
  })

  it('keeps to its pace, and calls no further device after a cancel', async () => {
    const ids = newIds(30)
    const { body } = await bulk({ ids, command: ORDER, pace: 60 })
    const { id } = body
    expect(await ring(id)).toMatchObject({ state: 'running', done: 10 })
    const next = await runInDurableObject(objectOf(id), (_, state) => state.storage.getAlarm())
    expect(next).toBe(clock.now() + 10_000)
    const cancelled = await api<JobBody>('POST', `/api/jobs/${id}/cancel`)
    expect(cancelled.body).toMatchObject({ state: 'cancelled', done: 10, waiting: 20 })
    expect(await ring(id)).toMatchObject({ state: 'cancelled', done: 10, waiting: 20 })
    expect(await queued(ids[10] ?? '')).toEqual([])
    const again = await api<JobBody>('POST', `/api/jobs/${id}/cancel`)
    expect(again).toEqual({ status: 200, body: cancelled.body })
  })

  /** A job whose call for its first id is held; its other calls are through. */
  async function heldJob() {
    const ids = newIds(25)
    let held = true
    let isUnderWay = false
    const { attempt } = commandKind
    vi.spyOn(commandKind, 'attempt').mockImplementation(async (its, job, id) => {
      if (id === ids[0]) {
        isUnderWay = true
        await until(
          async () => held,
          (still) => !still,
        ).finally(() => (isUnderWay = false))
      }
      return attempt(its, job, id)
    })
    const { id } = (await bulk({ ids, command: ORDER })).body
    const rung = ring(id)
    await until(
      () => jobOf(id),
      ({ done }) => done === 24,
    )
    const cancelled = api<JobBody>('POST', `/api/jobs/${id}/cancel`)
    await until(
      () => jobOf(id),
      ({ state }) => state === 'cancelled',
    )
    const letGo = async () => {
      held = false
      await rung
    }
    return { id, cancelled, letGo, isUnderWay: () => isUnderWay }
  }

  it('answers a cancel when the calls under way are through, so that its counts are final', async () => {
    const { id, cancelled, letGo } = await heldJob()
    await letGo()
    const { body } = await cancelled
    expect(body).toMatchObject({ state: 'cancelled', done: 25, waiting: 0 })
    expect(await jobOf(id)).toEqual(body)
  })

  it('answers a cancel after ten seconds while a call is still under way', async () => {
    const { cancelled, letGo, isUnderWay } = await heldJob()
    turn(10_000)
    expect((await cancelled).body).toMatchObject({ state: 'cancelled', done: 24, waiting: 1 })
    expect(isUnderWay()).toBe(true)
    await letGo()
  })

  it('stops when too many ids fail', async () => {
    // Ids that lead nowhere were known before: they say nothing about the others.
    const ids = [...newIds(30), ...Array.from({ length: 20 }, (_, n) => `bad\n${n}`)]
    const many = { ids, pace: 60, stop_at_error_rate: 0.3 }
    const good = await bulk({ ...many, command: ORDER })
    const running = await ring(good.body.id)
    expect(running).toMatchObject({ state: 'running', done: 10, failed: 20 })
    const command = { request_type: 'ClearPasscode' }
    const { body } = await bulk({ ...many, command, ...confirm('ClearPasscode', 30) })
    expect(await ended(body.id)).toMatchObject({
      state: 'stopped',
      reason: '10 of 10 ids failed',
      failed: 30,
      waiting: 20,
    })
  })

  it('has finished when no id waits any more, even if all have failed', async () => {
    const command = { request_type: 'ClearPasscode' }
    const failing = { command, ...confirm('ClearPasscode', 25), stop_at_error_rate: 0.1 }
    const { body } = await bulk({ ids: newIds(25), ...failing })
    expect(await ended(body.id)).toMatchObject({
      state: 'finished',
      reason: null,
      done: 0,
      failed: 25,
      waiting: 0,
    })
    const none = await bulk({ ids: ['', ' '], command: ORDER })
    expect(none).toMatchObject({
      status: 200,
      body: { state: 'finished', done: 0, failed: 2 },
    })
  })

  it('stops when too many devices answer with an error', async () => {
    const devices = Array.from({ length: 10 }, () => newDevice({ answer: () => 'Error' }))
    await Promise.all(devices.map((device) => device.enroll()))
    const ids = [...devices.map(({ udid }) => udid), ...newIds(20)]
    const { body } = await bulk({ ids, command: ORDER, pace: 60, stop_at_error_rate: 0.5 })
    const { id } = body
    expect(await ring(id)).toMatchObject({ done: 10 })
    await Promise.all(devices.map((device) => device.poll()))
    expect(await ended(id)).toMatchObject({
      state: 'stopped',
      reason: '10 of 10 devices that were asked have answered with an error',
      answers: { answered: 10, failed: 10 },
      waiting: 20,
    })
  })

  it('a repeated request with its Idempotency-Key is the same job', async () => {
    const ids = newIds(3)
    const key = crypto.randomUUID()
    const first = await withKey(key, { ids, command: ORDER })
    const again = await withKey(key, { ids, command: ORDER })
    expect(again).toEqual(first)
    expect(await queued(ids[0] ?? '')).toHaveLength(1)
    const other = await withKey(key, { ids, command: { request_type: 'SecurityInfo' } })
    expect(other.status).toBe(422)
    const unnamed = await bulk({ ids, command: ORDER })
    expect(unnamed.body.id).not.toBe(first.body.id)
    expect(await queued(ids[0] ?? '')).toHaveLength(2)
  })
})

describe('a filter', () => {
  it('means enrolled devices by platform, model, OS and serial number', async () => {
    const mac = newDevice({ platform: 'macOS', serial: `M${crypto.randomUUID()}` })
    const phone = newDevice({
      platform: 'iOS',
      osVersion: '18.1',
      serial: `P${crypto.randomUUID()}`,
    })
    const gone = newDevice({ platform: 'iOS', serial: `G${crypto.randomUUID()}` })
    await Promise.all([mac, phone, gone].map(enrolled))
    await api('POST', `/api/devices/${gone.udid}/retire`)
    const meant = async (filter: object): Promise<string[]> => {
      const { body } = await bulk({ filter, command: ORDER })
      return (body.outcomes ?? (await outcomesOf(body.id)))
        .filter(({ state }) => state !== 'failed')
        .map(({ id }) => id)
    }
    const serial_number = [mac.serial, phone.serial, gone.serial]
    expect(await meant({ serial_number })).toEqual([mac.udid, phone.udid].toSorted())
    expect(await meant({ serial_number, platform: ['macOS'] })).toEqual([mac.udid])
    expect(await meant({ serial_number, platform: ['iPadOS'] })).toEqual([])
    expect(await meant({ serial_number, model: 'iPhone14,5' })).toEqual([phone.udid])
    expect(await meant({ serial_number, os_version: '18' })).toEqual([phone.udid])
    expect(await meant({ serial_number, os_version: '18.1' })).toEqual([phone.udid])
    expect(await meant({ serial_number, os_version: '1' })).toEqual([])
    expect(await meant({ serial_number, state: ['checked_out'] })).toEqual([gone.udid])
    const { body } = await bulk({ filter: { serial_number }, command: ORDER })
    expect(body.outcomes?.find(({ id }) => id === gone.serial)).toMatchObject({
      state: 'failed',
      error: 'no device of the filter has this serial number',
    })
    const every = await bulk({ all: true, command: ORDER })
    const { id } = await ended(every.body.id)
    const all = (await outcomesOf(id)).map((outcome) => outcome.id)
    expect(all).toEqual(expect.arrayContaining([mac.udid, phone.udid]))
    expect(all).not.toContain(gone.udid)
  })
})
