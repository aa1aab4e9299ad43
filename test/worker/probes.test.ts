import {
  createExecutionContext,
  createMessageBatch,
  runDurableObjectAlarm,
  runInDurableObject,
} from 'cloudflare:test'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Control } from '../../src/control/object.ts'
import worker from '../../src/index.ts'
import type { Env } from '../../src/env.ts'
import { DAILY_LIMIT_TEXT } from '../../src/reason.ts'
import { clock, turn, turnTimers } from './clock.ts'
import { deployed } from './deployment.ts'
import { deviceOf } from './webhook-tools.ts'
import { api, enrolled, env, listedAs, resetRules, rule, seen, until } from './server.ts'

interface Probe {
  readonly seen: string
  readonly findings: readonly { id: string; level: string; text: string; fix: string }[]
}

async function probe(name: string, bindings: object = {}, body?: object): Promise<Probe> {
  const path = `/api/health/probes/${name}`
  const answer = await deployed({ ...bindings })('POST', path, body)
  expect(answer.status).toBe(200)
  return answer.json<Probe>()
}

/** The objects of probes, by the names that they are called with. */
function watchObjects(other: Partial<Control> = {}) {
  const names: string[] = []
  const getByName = (name: string) => {
    if (name.startsWith('probe:')) {
      names.push(name)
      return { ...callsOf(env.CONTROL.getByName(name)), ...other }
    }
    return env.CONTROL.getByName(name)
  }
  return { names, CONTROL: { getByName } }
}

const callsOf = (stub: DurableObjectStub<Control>) => ({
  probeAlarm: (ms: number) => stub.probeAlarm(ms),
  awaitEcho: (ms: number) => stub.awaitEcho(ms),
  echo: () => stub.echo(),
})

const storedBy = (name: string) =>
  runInDurableObject(env.CONTROL.getByName(name), async (_, { storage }) => [
    ...storage.kv.list(),
    await storage.getAlarm(),
  ])

afterEach(async () => {
  vi.restoreAllMocks()
  await resetRules()
})

describe('the probe of objects', () => {
  /** Probes, and lets the alarm ring, unless it shall not. */
  async function ring(rings: boolean): Promise<{ answer: Probe; name: string }> {
    const { names, CONTROL } = watchObjects()
    let answer: Probe | undefined
    const asked = probe('objects', { CONTROL }).then((found) => (answer = found))
    await until(
      async () => answer,
      (found) => found !== undefined,
      async () => {
        const [name] = names
        await (rings && name
          ? runDurableObjectAlarm(env.CONTROL.getByName(name) as never)
          : turnTimers(1000))
      },
    )
    return { answer: await asked, name: names[0] ?? '' }
  }

  it('sees an alarm that rings, and leaves nothing', async () => {
    const { answer, name } = await ring(true)
    expect(answer).toMatchObject({ findings: [], seen: expect.stringContaining('got its alarm') })
    expect(await storedBy(name)).toEqual([null])
  })

  it('names an alarm that does not ring, and leaves nothing', async () => {
    const { answer, name } = await ring(false)
    expect(answer.findings).toMatchObject([
      { id: 'objects', level: 'error', text: expect.stringContaining('no answer within 5 s') },
    ])
    expect(await storedBy(name)).toEqual([null])
  })

  it('leaves nothing when its process dies before the alarm', async () => {
    const name = `probe:${crypto.randomUUID()}`
    const stub = env.CONTROL.getByName(name)
    await runInDurableObject(stub, async (_, { storage }) => {
      storage.kv.put('probe', name)
      await storage.setAlarm(clock.now())
    })
    await runDurableObjectAlarm(stub as never)
    expect(await storedBy(name)).toEqual([null])
  })

  it('is refused by the object that keeps keys', async () => {
    const control = env.CONTROL.getByName('control')
    await control.standing()
    expect(await control.probeAlarm(5000)).toBe('a probe would delete what this object keeps')
    expect((await storedBy('control')).length).toBeGreaterThan(1)
  })

  it.each([
    ['Exceeded allowed duration in Durable Objects free tier.', DAILY_LIMIT_TEXT],
    [
      'The RPC receiver does not implement the method "probeAlarm".',
      'objects of the release before still run',
    ],
  ])('says what %s means', async (text, sentence) => {
    const { CONTROL } = watchObjects({ probeAlarm: () => Promise.reject(new Error(text)) })
    expect((await probe('objects', { CONTROL })).findings).toMatchObject([{ text: sentence }])
  })
})

describe('the probe of the queue', () => {
  it('sees messages that come through, two at a time, and leaves nothing', async () => {
    const { names, CONTROL } = watchObjects()
    const both = await Promise.all([probe('queue', { CONTROL }), probe('queue', { CONTROL })])
    for (const answer of both) {
      expect(answer).toMatchObject({ findings: [], seen: expect.stringContaining('came through') })
    }
    const [one = '', other = ''] = names
    expect(one).not.toBe(other)
    expect([await storedBy(one), await storedBy(other)]).toEqual([[null], [null]])
  })

  it('names a queue without a consumer', async () => {
    let answer: Probe | undefined
    const EVENTS = { send: async () => undefined }
    const asked = probe('queue', { EVENTS }).then((found) => (answer = found))
    await until(
      async () => answer,
      (found) => found !== undefined,
      () => turnTimers(5000),
    )
    expect((await asked).findings).toMatchObject([
      { id: 'queue', text: expect.stringContaining('no answer within 30 s') },
    ])
  })

  it('sends a message that a consumer without probes takes for nothing', async () => {
    const sent: object[] = []
    const EVENTS = { send: async (message: object) => sent.push(message) }
    const { CONTROL } = watchObjects({ awaitEcho: async () => '' })
    await probe('queue', { CONTROL, EVENTS })
    const [{ probe: _, ...message } = { probe: '' }] = sent as { probe: string }[]
    const logged = vi.spyOn(console, 'warn')
    const untouched = new Proxy({}, { get: () => expect.fail('touched') })
    const batch = createMessageBatch('edgemdm-events', [
      { id: '1', timestamp: new Date(), attempts: 1, body: message },
    ])
    const its = { ...env, DEVICE: untouched, SUBSCRIBER: untouched } as unknown as Env
    await worker.queue(batch as never, its, createExecutionContext())
    expect(logged).not.toHaveBeenCalled()
  })
})

describe('the probe of pushes', () => {
  const answers = (status: number, reason: string, headers = { 'apns-id': 'one' }) =>
    rule({
      on: 'apns',
      match: `/3/device/${'0'.repeat(64)}`,
      status,
      times: 2,
      headers: { ...headers },
      body: reason.startsWith('error') ? reason : JSON.stringify({ reason }),
    })
  const none = {} as { 'apns-id': string }

  it('is content with BadDeviceToken, for our topic', async () => {
    await answers(400, 'BadDeviceToken')
    expect(await probe('push')).toMatchObject({
      findings: [],
      seen: expect.stringContaining('com.apple.mgmt.External.test: BadDeviceToken'),
    })
    const [push] = await seen('0'.repeat(64), 'apns')
    expect(push?.headers).toMatchObject({ 'apns-topic': 'com.apple.mgmt.External.test' })
  })

  it.each([
    [403, 'MissingProviderToken', undefined, /^APNs did not get the push certificate/],
    [403, 'BadCertificate', undefined, /^APNs refuses the push certificate, .*: BadCertificate$/],
    [400, 'TopicDisallowed', undefined, /^APNs refuses the push certificate, .*: TopicDisallowed$/],
    [503, 'ServiceUnavailable', undefined, /^APNs takes no pushes just now: ServiceUnavailable$/],
    [520, 'error code: 520', none, /^the answer is not from APNs: error code: 520$/],
    [400, 'BadDeviceToken', none, /^the answer is not from APNs/],
    [200, '', undefined, /^a token that no device has was taken/],
  ])('says what %i %s means', async (status, reason, headers, text) => {
    await answers(status, reason, headers)
    expect((await probe('push')).findings).toMatchObject([
      { id: 'push', level: 'error', text: expect.stringMatching(text) },
    ])
  })

  it('finds that nothing is bound', async () => {
    expect((await probe('push', { APNS: undefined })).findings).toMatchObject([
      { id: 'push.binding' },
    ])
  })

  it('tells the circuit nothing', async () => {
    const record = vi.fn()
    const PUSH = { getByName: () => ({ record, gate: record, inUse: async () => undefined }) }
    await answers(403, 'BadCertificate')
    await probe('push', { PUSH })
    expect(record).not.toHaveBeenCalled()
  })
})

describe('the probe of devices', () => {
  const MINUTE = 60_000
  const run = (statement: string, ...values: unknown[]) =>
    env.DB.prepare(statement)
      .bind(...values)
      .all()
  const texts = ({ findings }: Probe) =>
    findings.map(({ id, text, fix }) => `${id} ${text}. ${fix}`)

  const forgetOthers = async () => {
    await run('UPDATE devices SET hidden = 1')
    await run('DELETE FROM identities')
  }

  /** A device that is listed, and the only one. */
  async function onlyDevice() {
    await forgetOthers()
    const device = await enrolled()
    await listedAs(device, 'enrolled')
    turn(2 * MINUTE)
    return device
  }
  /** The row of a device comes anew through the queue. */
  async function repair(udid: string): Promise<void> {
    const version = clock.now()
    const { findings } = await probe('devices', {}, { repair: true })
    expect(findings).toMatchObject([{ fix: expect.stringContaining('has put it right') }])
    await until(
      () => run('SELECT 1 FROM devices WHERE id = ? AND version >= ?', udid, version),
      ({ results }) => results.length > 0,
    )
    turn(2 * MINUTE)
    expect((await probe('devices')).findings).toEqual([])
  }

  it('finds nothing in devices that are as they should be', async () => {
    const { udid } = await onlyDevice()
    await api('POST', '/v1/commands', { udid, request_type: 'ProfileList' })
    expect(await probe('devices')).toEqual(
      expect.objectContaining({ seen: 'looked at 1 of 1 devices', findings: [] }),
    )
  })

  it('takes a row that its device waited for as listed: it needs no alarm', async () => {
    await forgetOthers()
    const device = deviceOf({ WEBHOOK_URL: '' }, { answer: () => 'silence' })
    await device.enroll()
    const stub = env.DEVICE.getByName(device.udid)
    expect(await runInDurableObject(stub, (_, { storage }) => storage.getAlarm())).toBeNull()
    turn(2 * MINUTE)
    expect((await probe('devices')).findings).toEqual([])
  })

  it('finds work without an alarm, and sets it again', async () => {
    const { udid } = await onlyDevice()
    await api('POST', '/v1/commands', { udid, request_type: 'ProfileList' })
    const stub = env.DEVICE.getByName(udid)
    await runInDurableObject(stub, (_, { storage }) => storage.deleteAlarm())
    expect(texts(await probe('devices'))).toEqual([
      expect.stringMatching(
        new RegExp(
          `^devices.alarms 1 of 1 devices have work .*: ${udid}. POST .* with {"repair": true}`,
        ),
      ),
    ])
    await repair(udid)
    const alarmAt = await runInDurableObject(stub, (_, { storage }) => storage.getAlarm())
    expect(alarmAt).not.toBeNull()
  })

  it('finds an alarm that was lost long ago', async () => {
    const { udid } = await onlyDevice()
    await api('POST', '/v1/commands', { udid, request_type: 'ProfileList' })
    turn(61 * MINUTE)
    expect(texts(await probe('devices'))[0]).toMatch(/^devices\.alarms /)
  })

  it('finds values that no key of the ring can open', async () => {
    const device = await onlyDevice()
    await device.tokenUpdate({ unlockToken: new TextEncoder().encode('unlock') })
    const SEAL_KEYS = `other:${btoa('another key with 32 bytes in all')}`
    const found = texts(await probe('devices', { SEAL_KEYS }))
    expect(found).toEqual([expect.stringMatching(/^devices\.seal 1 of 1 .* put that key back/)])
  })

  it.each([
    ['state', "UPDATE devices SET state = 'checked_out' WHERE id = ?"],
    ['serial number', "UPDATE devices SET serial_number = 'OTHER' WHERE id = ?"],
    ['version', 'UPDATE devices SET version = version + 1 WHERE id = ?'],
    ['place in the list', 'DELETE FROM devices WHERE id = ?'],
  ])('finds a row with another %s, and announces it anew', async (_, statement) => {
    const { udid } = await onlyDevice()
    await run(statement, udid)
    expect(texts(await probe('devices'))).toEqual([
      expect.stringMatching(/^devices\.rows 1 of 1 devices are not in the list, or it says/),
    ])
    await repair(udid)
  })

  it('waits a minute for the row of a change', async () => {
    await forgetOthers()
    const device = await enrolled()
    await listedAs(device, 'enrolled')
    await run('DELETE FROM devices WHERE id = ?', device.udid)
    expect((await probe('devices')).findings).toEqual([])
    turn(2 * MINUTE)
    expect((await probe('devices')).findings).toMatchObject([{ id: 'devices.rows' }])
  })

  it('finds a row that was not announced for an hour', async () => {
    const { udid } = await onlyDevice()
    await run('UPDATE devices SET version = 1 WHERE id = ?', udid)
    expect((await probe('devices')).findings).toEqual([])
    turn(60 * MINUTE)
    expect((await probe('devices')).findings.map(({ id }) => id)).toContain('devices.rows')
  })

  it('finds a row whose object holds nothing', async () => {
    const { udid } = await onlyDevice()
    await run("UPDATE devices SET id = 'gone' WHERE id = ?", udid)
    await run('DELETE FROM identities')
    expect(texts(await probe('devices'))).toEqual([
      expect.stringMatching(/^devices\.rows 1 of 1 devices are in the list, and their objects/),
    ])
  })

  it('finds a device of another topic', async () => {
    await onlyDevice()
    const found = texts(await probe('devices', { PUSH_TOPIC: 'com.apple.mgmt.External.other' }))
    expect(found).toEqual([expect.stringMatching(/^push\.topic 1 of 1 devices enrolled with/)])
  })

  it('looks at twenty at most', async () => {
    const answer = await deployed({})('POST', '/api/health/probes/devices', { sample: 21 })
    expect(answer.status).toBe(400)
  })
})
