import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { expect, it } from 'vitest'
import { createHash } from 'node:crypto'
import { newEffects, type Context } from '../../src/device/store/context.ts'
import type { DeviceInput } from '../../src/device/enrolment/message.ts'
import { receive } from '../../src/device/enrolment/receive.ts'
import { appendCommand } from '../../src/device/queue/enqueue.ts'
import { pull } from '../../src/device/outbox/read.ts'
import { loadState, writeState } from '../../src/device/store/rows/save.ts'
import { channelOf } from '../../src/device/store/channels.ts'
import type { Db } from '../../src/storage/db.ts'
import { MAX_VALUE_BYTES } from '../../src/storage/bodies.ts'
import { createSealer } from '../../src/pki/seal/seal.ts'
import type { Message } from '../../src/mdm/message.ts'
import { moveIn } from '../../src/device/moved/take.ts'
import { saveDevice } from '../../src/device/store/rows/save.ts'
import { turn } from './clock.ts'
import { base64, command, deviceThere, recordOf } from './move-tools.ts'
import { env, events, seen } from './server.ts'
import { deviceOf } from './webhook-tools.ts'

const sealer = createSealer(`rows:${btoa('0123456789abcdef0123456789abcdef')}`)

/**
 * Runs decisions on a real object's SQLite, and counts rows written by SQLite's own counter; `setAlarm` is
 * one more.
 */
async function counted(
  name: string,
  run: (
    step: <Answer>(decide: (context: Context) => Answer) => { rows: number; answer: Answer },
  ) => void,
): Promise<void> {
  await runInDurableObject(env.DEVICE.getByName(name), (_, state) => {
    let rows = 0
    let now = 1_000_000
    let alarm = Infinity
    const raw: Db = {
      all: <Row>(query: string, ...values: never[]): Row[] => {
        const cursor = state.storage.sql.exec(query, ...values)
        const found = cursor.toArray()
        rows += cursor.rowsWritten
        return found as Row[]
      },
      run: (query: string, ...values: never[]): void => {
        const cursor = state.storage.sql.exec(query, ...values)
        cursor.toArray()
        rows += cursor.rowsWritten
      },
      size: () => state.storage.sql.databaseSize,
    }
    const { state: device, db } = loadState(raw, name)
    run((decide) => {
      rows = 0
      now += 1
      const effects = newEffects()
      const context = {
        db,
        sealer,
        name,
        state: device,
        settings: {
          keepResults: { kind: 'bounded' as const, count: 1, ms: 1e12 },
          keepEvents: { count: 3, ms: 1e12 },
          maxQueue: 100,
          deferredAfter: { count: 10, ms: 1e12 },
          autoDeviceConfigured: false,
          trustOnFirstUse: true,
          udidCertAuthWarnOnly: false,
          pushTopic: '',
        },
        now,
        hash: (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex'),
        effects,
      }
      const answer = decide(context)
      writeState(context)
      if (effects.wakeBy < alarm) {
        alarm = effects.wakeBy
        rows += 1
      }
      return { rows, answer }
    })
  })
}

function input(message: Message, listeners: string[]): DeviceInput {
  return {
    message,
    body: new TextEncoder().encode('<plist/>'),
    eventId: crypto.randomUUID(),
    url: 'https://mdm.test/mdm/connect',
    params: {},
    fingerprint: 'f',
    claim: { caKey: 'ca', subject: 's', notAfter: 1e15, issuedHere: false },
    listeners,
    conflictListeners: [],
    deferredListeners: [],
  }
}

const enrollment = { type: 'Device', device: 'rows', user: '' } as const
const idle: Message = { kind: 'report', enrollment, status: 'Idle', commandUUID: undefined }
const done: Message = { kind: 'report', enrollment, status: 'Acknowledged', commandUUID: 'A' }

it('a connect that changes nothing writes no row where no webhook wants it', async () => {
  await counted('rows-idle', (step) => {
    step((context) => receive(context, input(idle, [])))
    expect(step((context) => receive(context, input(idle, []))).rows).toBe(0)
  })
})

it('a command’s whole life writes at most eight rows, its event, cursor, alarm and pruning included', async () => {
  await counted('rows-cycle', (step) => {
    step((context) => receive(context, input(idle, ['webhook'])))
    const cycle = (): number =>
      [
        step((context) => {
          channelOf(context, '').token ??= new Uint8Array(32)
          appendCommand(context, channelOf(context, ''), {
            uuid: 'A',
            requestType: 'ProfileList',
            payload: new Uint8Array(300),
            secret: false,
            source: '',
          })
        }),
        // The session's Idle: this subscriber wants answers, not heartbeats.
        step((context) => receive(context, input(idle, []))),
        step((context) => receive(context, input(done, ['webhook']))),
        step((context) => {
          const [last] = [context.state.lastSeq]
          return pull(context, { subscriber: 'webhook', topics: [], passed: last, read: false })
        }),
      ].reduce((sum, { rows }) => sum + rows, 0)
    // Until history is full, nothing has to be deleted.
    const rows = Array.from({ length: 8 }, cycle).at(-1) ?? NaN
    console.log(`rows of a command's life: ${rows}`)
    expect(rows).toBeLessThanOrEqual(8)
  })
})

it('no value is longer than a production row may be', () => {
  expect(MAX_VALUE_BYTES).toBeLessThan(2_000_000)
})

it('room that is made counts at once', async () => {
  await runInDurableObject(env.DEVICE.getByName('room'), (_, { storage: { sql } }) => {
    sql.exec('CREATE TABLE full (bytes BLOB)')
    sql.exec('INSERT INTO full VALUES (zeroblob(900000)), (zeroblob(900000))')
    const full = sql.databaseSize
    sql.exec('DELETE FROM full')
    expect(full - sql.databaseSize).toBeGreaterThan(1_700_000)
  })
})

it('a device whose object is full gets a retry answer, and may retry', async () => {
  const full = { receive: async () => ({ kind: 'full' }) }
  const device = deviceOf({ DEVICE: { getByName: () => full } })
  expect((await device.authenticate()).status).toBe(503)
})

it('the alarm repeats an announcement that got no queue message', async () => {
  const device = deviceOf({ EVENTS: { send: async () => undefined } })
  await device.enroll()
  expect(await seen(device.udid, 'webhook')).toEqual([])
  turn(61_000)
  expect(await runDurableObjectAlarm(env.DEVICE.getByName(device.udid))).toBe(true)
  await events(device.udid, 2)
})

it('a subscriber reads events without a transaction, and its report is one', async () => {
  const device = deviceOf({ WEBHOOK_URL: '' })
  await device.enroll()
  const stub = env.DEVICE.getByName(device.udid)
  let transactions = 0
  await runInDurableObject(stub, (_, { storage }) => {
    const transactionSync = storage.transactionSync.bind(storage)
    Object.defineProperty(storage, 'transactionSync', {
      configurable: true,
      value: <Answer>(decide: () => Answer) => {
        transactions += 1
        return transactionSync(decide)
      },
    })
  })
  const request = { subscriber: 'one', topics: ['mdm.Authenticate'], read: true } as const
  await stub.pull(request)
  expect(transactions).toBe(0)
  await stub.pull({ ...request, passed: 2 })
  expect(transactions).toBe(1)
})

it('a moved device with both tokens, a user and two commands writes eight rows, its tables aside', async () => {
  const device = deviceThere()
  const own = recordOf(device, {
    unlockToken: base64(new Uint8Array(8)),
    bootstrapToken: base64(new Uint8Array(8)),
    commands: [command(0, 'ProfileList'), command(1, 'SecurityInfo')],
  })
  const user = { user: 'ADA', token: base64(new Uint8Array(32)), magic: 'M', topic: 'T' }
  const record = { ...own, channels: [...own.channels, user] }
  const identity = { fingerprint: 'f', caKey: 'k', subject: '', notAfter: 1 }
  await counted(device.udid, (step) => {
    step(saveDevice)
    const { rows } = step((context) => moveIn(context, { record, identities: [identity] }))
    expect(rows).toBe(8)
  })
})
