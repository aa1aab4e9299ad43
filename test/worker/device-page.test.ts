import { describe, expect, it } from 'vitest'
import { clock, turn } from './clock.ts'
import { allRows } from './audit-tools.ts'
import { withKey } from './job-tools.ts'
import { api, enrolled, newDevice } from './server.ts'

interface Command {
  id: string
  command_uuid: string
  request_type: string
  state: string
  repeatable: boolean
  command: Record<string, unknown> | null
  detail?: string
}
interface List {
  items: Command[]
  detail?: string
}
interface Secrets {
  items: { command_id: string; request_type: string; state: string; secrets: string[] }[]
}

const INFO = { request_type: 'DeviceInformation', queries: ['OSVersion', 'DeviceName'] }

async function withCalls(options: Parameters<typeof enrolled>[0] = {}) {
  const device = await enrolled(options)
  const path = `/api/devices/${device.udid}`
  const queue = async (body: object) => (await api<Command>('POST', `${path}/commands`, body)).body
  const retry = (id: string) => api<Command>('POST', `/api/commands/${id}/retry`)
  return { device, path, queue, retry }
}

describe('a command is queued once more', () => {
  it('with the same keys under a new id, whether it was refused or cancelled', async () => {
    const { device, queue, retry } = await withCalls({
      answer: ({ requestType }) => (requestType === 'DeviceInformation' ? 'Error' : undefined),
    })
    const first = await queue(INFO)
    expect(first.repeatable).toBe(true)
    await device.poll()
    const again = await retry(first.id)
    expect(again).toMatchObject({
      status: 202,
      body: {
        id: `${device.udid}.2`,
        state: 'queued',
        command: { RequestType: 'DeviceInformation', Queries: ['OSVersion', 'DeviceName'] },
      },
    })
    expect(again.body.command_uuid).not.toBe(first.command_uuid)
    await api('DELETE', `/api/commands/${again.body.id}`)
    expect(await retry(again.body.id)).toMatchObject({ status: 202, body: { state: 'queued' } })
    await device.poll()
    expect(device.received.map(({ requestType }) => requestType)).toEqual([
      'DeviceInformation',
      'DeviceInformation',
    ])
  })

  it('once for each Idempotency-Key', async () => {
    const { device, queue } = await withCalls()
    const [first, other] = [await queue(INFO), await queue(INFO)]
    await device.poll()
    const retry = (id: string) => withKey('ticket-7', {}, `/api/commands/${id}/retry`)
    const again = await retry(first.id)
    expect(again).toMatchObject({ status: 202, body: { id: `${device.udid}.3` } })
    expect(await retry(first.id)).toMatchObject({ status: 202, body: { id: again.body.id } })
    expect(await retry(other.id)).toMatchObject({ status: 422 })
    await device.poll()
    expect(device.received).toHaveLength(3)
  })

  it('not while it waits, and not if its content is not kept', async () => {
    const { device, queue, retry } = await withCalls()
    const waiting = await queue(INFO)
    const early = await retry(waiting.id)
    expect(early).toMatchObject({ status: 409, body: { code: 'conflict' } })
    expect(early.body.detail).toContain('still waits')
    const lock = await queue({ request_type: 'DeviceLock', pin: '123456' })
    const long = await queue({ request_type: 'Settings', settings: [long16KB()] })
    expect([lock.repeatable, long.repeatable]).toEqual([false, false])
    await device.poll()
    for (const { id } of [lock, long]) {
      const refused = await retry(id)
      expect(refused).toMatchObject({ status: 409, body: { code: 'conflict' } })
      expect(refused.body.detail).toContain('is not kept: queue a new command')
    }
    expect((await retry(`${device.udid}.99`)).status).toBe(404)
  })
})

function long16KB() {
  return { item: 'DeviceName', device_name: 'x'.repeat(16_400) }
}

describe('a device is asked for its inventory', () => {
  it('with the queries that its OS has, and once while they wait', async () => {
    const { device, path } = await withCalls({ platform: 'macOS', osVersion: '15.1' })
    const { status, body } = await api<List>('POST', `${path}/refresh`)
    expect(status).toBe(202)
    const types = body.items.map(({ request_type: type }) => type)
    expect(types).toEqual([
      'DeviceInformation',
      'SecurityInfo',
      'ProfileList',
      'CertificateList',
      'InstalledApplicationList',
    ])
    const repeated = (await api<List>('POST', `${path}/refresh`)).body.items
    expect(repeated.map(({ id }) => id)).toEqual(body.items.map(({ id }) => id))
    await device.poll()
    const { Queries } = device.received[0]?.command ?? {}
    expect(Queries).toContain('IsSupervised')
    expect(Queries).not.toContain('DevicePropertiesAttestation')
    expect(Queries).not.toContain('BatteryLevel2')
    const { body: page } = await api<{ inventory: Record<string, unknown> }>('GET', path)
    expect(page.inventory['SecurityInfo']).not.toBeNull()
  })

  it('once by calls at the same time, again after the answers, and with one row in the audit', async () => {
    const { device, path } = await withCalls({ platform: 'macOS', osVersion: '15.1' })
    const refresh = () => api<List>('POST', `${path}/refresh`)
    await Promise.all([refresh(), refresh()])
    await device.poll()
    expect(device.received).toHaveLength(5)
    expect((await refresh()).body.items).toHaveLength(5)
    const rows = (await allRows()).filter(({ target }) => target?.id === device.udid)
    const asked =
      'DeviceInformation, SecurityInfo, ProfileList, CertificateList, InstalledApplicationList'
    expect(rows[0]).toMatchObject({
      outcome: 'done',
      detail: { commands: 5, request_type: asked },
    })
    expect(rows).toHaveLength(3)
  })

  it('not if it has left, or never enrolled', async () => {
    const device = newDevice()
    expect((await api('POST', `/api/devices/${device.udid}/refresh`)).status).toBe(404)
    await device.enroll()
    await device.checkOut()
    const left = await api<List>('POST', `/api/devices/${device.udid}/refresh`)
    expect(left).toMatchObject({ status: 409, body: { code: 'not_enrolled' } })
    expect(left.body.detail).toContain('checked out')
  })
})

describe('the secrets of a device', () => {
  it('are listed by their keys, without those of commands that never went out', async () => {
    const { device, path, queue } = await withCalls()
    const lock = await queue({ request_type: 'DeviceLock', pin: '123456' })
    await queue(INFO)
    await device.poll()
    const waits = await queue({ request_type: 'SetRecoveryLock', new_password: 'Pq7xZ9' })
    const never = await queue({ request_type: 'DeviceLock', pin: '654321' })
    await api('DELETE', `/api/commands/${never.id}`)
    const { body } = await api<Secrets>('GET', `${path}/escrow/commands`)
    expect(body.items).toMatchObject([
      { command_id: waits.id, state: 'queued', secrets: ['command.NewPassword'] },
      { command_id: lock.id, state: 'acknowledged', secrets: ['command.PIN'] },
    ])
    expect(JSON.stringify(body)).not.toContain('123456')
  })
})

it('the list of commands takes several types', async () => {
  const { path, queue } = await withCalls()
  await queue(INFO)
  await queue({ request_type: 'ProfileList' })
  await queue({ request_type: 'SecurityInfo' })
  const { body } = await api<List>('GET', `${path}/commands?request_type=SecurityInfo,ProfileList`)
  expect(body.items.map(({ request_type: type }) => type)).toEqual(['SecurityInfo', 'ProfileList'])
})

it('the page of a device says when the server pushes again', async () => {
  const { device, path, queue } = await withCalls({ answer: () => 'NotNow' })
  await queue(INFO)
  turn(1000)
  await device.poll()
  const { body } = await api<{
    channels: { queue: { next_push_at: string; not_now_since: string } }[]
  }>('GET', path)
  const [channel] = body.channels
  expect(Date.parse(channel?.queue.next_push_at ?? '')).toBeGreaterThan(clock.now())
})
