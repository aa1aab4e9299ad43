import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { clock, turn, turnTimers } from './clock.ts'
import { bearer, cookieOf, newKey, withCookie } from './keys-api-tools.ts'
import { openStream } from './live-tools.ts'
import { api, enrolled, env, until } from './server.ts'

const MINUTE = 60_000
const HEARTBEAT = 25_000
const SETTLES = 30_000

const live = env.LIVE.getByName('live')

async function queue(udid: string, request_type = 'ProfileList'): Promise<string> {
  const body = { request_type }
  return (await api<{ id: string }>('POST', `/api/devices/${udid}/commands`, body)).body.id
}

beforeEach(() => {
  vi.spyOn(console, 'log').mockImplementation(() => undefined)
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  // The watch of the test before is over.
  turn(11 * MINUTE)
})

describe('the stream of a device', () => {
  it('tells each commit of the device, with the command, and nothing of others', async () => {
    const [device, other] = [await enrolled({ serial: 'C02STREAM' }), await enrolled()]
    const stream = await openStream(`device=${device.udid}`)
    expect((await stream.event('hello')).data).toMatchObject({ missed: false })
    const id = await queue(device.udid)
    await queue(other.udid)
    await stream.entry('command.queued')
    await device.poll()
    const answered = await stream.entry('command.acknowledged')
    expect(answered.data).toMatchObject({
      device_id: device.udid,
      serial_number: 'C02STREAM',
      command_id: id,
      request_type: 'ProfileList',
    })
    const own = stream.events.filter(({ event }) => event === 'message')
    expect(own.map(({ data }) => data['kind'])).toEqual(
      expect.arrayContaining(['device.connected', 'command.sent']),
    )
    expect(own.every(({ data }) => data['device_id'] === device.udid)).toBe(true)
    await stream.close()
  })

  it('has no payload, answer or secret', async () => {
    const device = await enrolled()
    const stream = await openStream(`device=${device.udid}`)
    await stream.event('hello')
    const body = { request_type: 'DeviceLock', pin: '918273', message: 'bring it back' }
    await api('POST', `/api/devices/${device.udid}/commands`, body)
    await device.poll()
    await stream.entry('command.acknowledged')
    expect(JSON.stringify(stream.events)).not.toMatch(/918273|bring it back|plist/)
    await stream.close()
  })

  it('keeps nothing: a client that comes back is told to read again', async () => {
    const device = await enrolled()
    const stream = await openStream(`device=${device.udid}`, { 'last-event-id': '0' })
    expect((await stream.event('hello')).data).toMatchObject({ missed: true })
    await stream.close()
  })

  it('goes on after its object has lost its memory', async () => {
    const device = await enrolled()
    const stream = await openStream(`device=${device.udid}`)
    await stream.event('hello')
    await evictDurableObject(env.DEVICE.getByName(device.udid))
    await queue(device.udid)
    await stream.entry('command.queued')
    await stream.close()
  })

  it('is 404 for an id that no device has, and makes no object of it', async () => {
    const id = crypto.randomUUID()
    const { response } = await openStream(`device=${id}`)
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ code: 'device_not_found' })
  })
})

describe('the stream of the fleet', () => {
  it('tells what every device does, without the Idle of each', async () => {
    const stream = await openStream()
    await stream.event('hello')
    const device = await enrolled()
    await stream.entry('device.enrolled')
    await device.poll()
    const id = await queue(device.udid)
    const { data } = await stream.entry('command.queued')
    expect(data).toMatchObject({
      command_id: id,
      actor: expect.any(String),
      device_id: device.udid,
    })
    await device.poll()
    await stream.entry('command.acknowledged')
    expect(stream.events.map((one) => one.data['kind'])).not.toContain('device.connected')
    await stream.close()
  })

  it('has only the topics and kinds that are asked for', async () => {
    const [topics, kinds] = [
      await openStream('topic=device'),
      await openStream('kind=command.acknowledged'),
    ]
    await topics.event('hello')
    await kinds.event('hello')
    const device = await enrolled()
    await queue(device.udid)
    await device.poll()
    await kinds.entry('command.acknowledged')
    await topics.entry('device.enrolled')
    const told = (stream: typeof topics) =>
      new Set(stream.events.filter(({ event }) => event === 'message').map((e) => e.data['kind']))
    expect([...told(kinds)]).toEqual(['command.acknowledged'])
    expect([...told(topics)].every((kind) => String(kind).startsWith('device.'))).toBe(true)
    await topics.close()
    await kinds.close()
  })

  it('tells of a new job, and of what it does', async () => {
    const device = await enrolled()
    const stream = await openStream('topic=job,command')
    await stream.event('hello')
    const command = { request_type: 'ProfileList' }
    const { body } = await api<{ id: string }>('POST', '/api/commands', {
      ids: [device.udid],
      command,
    })
    expect((await stream.entry('job.changed')).data).toMatchObject({ job_id: body.id })
    await runDurableObjectAlarm(env.JOB.getByName(body.id))
    expect((await stream.entry('command.queued')).data).toMatchObject({ job_id: body.id })
    await stream.close()
  })

  it('resumes behind the last entry that the client has, without gap or repetition', async () => {
    const first = await openStream('topic=command')
    await first.event('hello')
    turn(SETTLES)
    const device = await enrolled()
    const one = await queue(device.udid)
    const { id = '' } = await first.entry('command.queued')
    await first.close()
    const two = await queue(device.udid)
    const three = await queue(device.udid)
    // Its ring outlives its memory.
    await turnTimers(100)
    await until(
      () => live.activity({ before: Infinity, limit: 9, filter: {} }, 0),
      ({ entries }) => entries.some(({ command }) => command === three),
      () => turnTimers(100),
    )
    await evictDurableObject(live)
    const again = await openStream('topic=command', { 'last-event-id': id })
    expect((await again.event('hello')).data).toMatchObject({ missed: false })
    await again.event('message', (data) => data['command_id'] === three)
    const ids = again.events.flatMap(({ data }) => data['command_id'] ?? [])
    expect(ids).toEqual([two, three])
    expect(ids).not.toContain(one)
    await again.close()
  })

  it('says so when entries may be missing: too old an id, an unknown one, or a watch that had ended', async () => {
    const stream = await openStream()
    await stream.event('hello')
    await enrolled()
    const { id = '' } = await stream.entry('device.enrolled')
    await stream.close()
    for (const [last, ms] of [
      ['999999', 0],
      ['yesterday', 0],
      [id, 11 * MINUTE],
    ] as const) {
      turn(ms)
      const again = await openStream('', { 'last-event-id': last })
      expect((await again.event('hello')).data, last).toMatchObject({ missed: true })
      await again.close()
    }
  })

  it('tells when all isolates have learned that somebody watches: until then some may be missing', async () => {
    const stream = await openStream()
    await stream.event('hello')
    expect(stream.events).toHaveLength(1)
    await turnTimers(SETTLES)
    await stream.event('missed')
    await stream.close()
  })
})

describe('a stream ends', () => {
  it('with its key, at the next heartbeat', async () => {
    const { key, id } = await newKey(['read'])
    const stream = await openStream('', bearer(key).headers)
    await stream.event('hello')
    await turnTimers(HEARTBEAT)
    const { data } = await stream.event('ping')
    expect(Date.parse(String(data['now']))).toBeLessThanOrEqual(clock.now())
    await api('DELETE', `/api/keys/${id}`)
    await turnTimers(HEARTBEAT)
    expect((await stream.event('end')).data['reason']).toContain('has ended')
    await until(
      async () => stream.isOver(),
      (isOver) => isOver,
    )
  })

  it('with its session', async () => {
    const cookie = await cookieOf((await newKey(['read'])).key)
    const stream = await openStream('', { cookie })
    await stream.event('hello')
    const signOut = await withCookie(cookie, '/console/session', { method: 'DELETE' })
    expect(signOut.status).toBe(204)
    await turnTimers(HEARTBEAT)
    await stream.event('end')
  })

  it('and needs the scope read', async () => {
    const { key } = await newKey(['command'])
    const { response } = await openStream('', bearer(key).headers)
    expect([response.status, await response.json()]).toMatchObject([403, { code: 'missing_scope' }])
  })
})
