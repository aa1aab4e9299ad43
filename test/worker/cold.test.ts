import { runInDurableObject } from 'cloudflare:test'
import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { newEffects, type Context } from '../../src/device/store/context.ts'
import { isHeartbeat, receive } from '../../src/device/enrolment/receive.ts'
import type { DeviceInput } from '../../src/device/enrolment/message.ts'
import { newChannel, writeUserRow } from '../../src/device/store/channel-row.ts'
import { loadState } from '../../src/device/store/rows/save.ts'
import { readOnlyDb, sqlite, type Db } from '../../src/storage/db.ts'
import { createSealer } from '../../src/pki/seal/seal.ts'
import { clock } from './clock.ts'
import { api, enrolled, env } from './server.ts'

const sealer = createSealer(`cold:${btoa('0123456789abcdef0123456789abcdef')}`)

/** Loads an object's rows as a new process would, and decides an Idle. @returns the statements that it runs */
async function statementsOfIdle(udid: string): Promise<string[]> {
  return runInDurableObject(env.DEVICE.getByName(udid), (_, { storage }) => {
    const statements: string[] = []
    const raw = sqlite(storage.sql)
    const counted: Db = {
      all: (query, ...values) => {
        statements.push(query)
        return raw.all(query, ...values)
      },
      run: (query, ...values) => {
        statements.push(query)
        raw.run(query, ...values)
      },
      size: () => raw.size(),
    }
    const { state, db } = loadState(counted, udid)
    const input: DeviceInput = {
      message: {
        kind: 'report',
        enrollment: { type: 'Device', device: udid, user: '' },
        status: 'Idle',
        commandUUID: undefined,
      },
      body: new Uint8Array(),
      eventId: crypto.randomUUID(),
      url: state.device.installed.serverUrl,
      params: {},
      fingerprint: state.device.installed.identity,
      listeners: [],
      conflictListeners: [],
      deferredListeners: [],
    }
    const context: Context = {
      db: readOnlyDb(db),
      sealer,
      name: udid,
      state,
      settings: {
        keepResults: { kind: 'none', count: 0, ms: 0 },
        keepEvents: { count: 100, ms: 1e12 },
        maxQueue: 100,
        deferredAfter: { count: 10, ms: 1e12 },
        autoDeviceConfigured: false,
        trustOnFirstUse: false,
        udidCertAuthWarnOnly: false,
        pushTopic: '',
      },
      now: clock.now(),
      hash: (bytes) => createHash('sha256').update(bytes).digest('hex'),
      effects: newEffects(),
    }
    expect(isHeartbeat(context, input)).toBe(true)
    expect(receive(context, input)).toMatchObject({ kind: 'accepted' })
    expect(context.effects.wakeBy).toBe(Infinity)
    expect(state.changed).toBe(false)
    return statements
  })
}

it('an object that is not in memory answers an Idle with one query, and writes nothing', async () => {
  const device = await enrolled()
  await device.connect({ Status: 'Idle' })
  expect(await statementsOfIdle(device.udid)).toHaveLength(1)
  for (let n = 0; n < 60; n++) {
    await api('POST', '/v1/commands', { udid: device.udid, request_type: 'SecurityInfo' })
    await device.poll()
  }
  expect(await statementsOfIdle(device.udid)).toHaveLength(1)
})

it('an object of 500 users with many declarations loads: no value of a query has them all', async () => {
  const { udid } = await enrolled()
  await runInDurableObject(env.DEVICE.getByName(udid), (_, { storage }) => {
    const db = sqlite(storage.sql)
    const declarations = Array.from({ length: 300 }, (_one, n) =>
      `com.example.${n}`.padEnd(60, 'x'),
    )
    for (let id = 1; id <= 500; id++) {
      writeUserRow(db, { ...newChannel(id, `USER-${id}`), declarations })
    }
    expect(loadState(db, udid).state.channels).toHaveLength(501)
  })
})
