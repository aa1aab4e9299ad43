import { expect, it } from 'vitest'
import { dueTimes } from '../../../../src/device/runtime/alarm.ts'
import { listEscrow } from '../../../../src/device/store/escrow/list.ts'
import { block, unblock } from '../../../../src/device/standing/block.ts'
import { archiveEscrow, storeEscrow } from '../../../../src/device/store/escrow/tokens.ts'
import { readEarlier } from '../../../../src/device/store/earlier.ts'
import { channelOf, recalledChannel } from '../../../../src/device/store/channels.ts'
import { queueOf } from '../../../../src/device/queue/window.ts'
import { viewDevice } from '../../../../src/device/views/device.ts'
import { TestObject } from '../object.ts'
import { VERSION_3 } from './version-3.ts'

const tables = (object: TestObject): unknown[] => object.db().all('SELECT name FROM sqlite_master')

it('an object that is only looked at has no tables, and the first commit that writes makes them all', () => {
  const object = new TestObject()
  const look = (): void => {
    object.commit((context) => {
      viewDevice(context)
      listEscrow(context)
      archiveEscrow(context)
      dueTimes(context)
    })
    object.evict()
  }
  look()
  expect(tables(object)).toEqual([])
  object.commit((context) => block(context))
  expect(tables(object)).toHaveLength(8)
  object.evict()
  look()
  expect(object.commit(unblock)).toBe(true)
  expect(tables(object)).toHaveLength(8)
})

it('a first commit that fails leaves no tables, and the next one makes them', () => {
  const object = new TestObject()
  expect(() =>
    object.commit((context) => {
      storeEscrow(context, 'unlock_token', new Uint8Array([1]))
      throw new Error('no')
    }),
  ).toThrow('no')
  expect(tables(object)).toEqual([])
  object.commit((context) => block(context))
  expect(tables(object)).toHaveLength(8)
})

it('the rows of the version before move into the present tables, once', () => {
  const object = new TestObject()
  for (const statement of VERSION_3) {
    object.db().run(statement)
  }
  const channels = [{ user: 'ADA', enabled: true, token: '', declarations: [] }]
  object.database
    .prepare('UPDATE earlier SET channels = ?')
    .run(object.seal(new TextEncoder().encode(JSON.stringify(channels)), 'UDID-1/earlier/1'))
  for (const loaded of ['moved', 'loaded again']) {
    const state = object.commit((context) => context.state)
    expect({ loaded, ...state }).toMatchObject({
      device: { epoch: 2, hidden: true, blocked: false, facts: { SerialNumber: 'C0', Model: '' } },
      channels: [
        {
          token: new Uint8Array([1, 2, 255]),
          flag: 'Unregistered',
          push: { at: 1 },
          parked: false,
        },
        { user: 'ADA', token: null, claim: 'made', push: undefined, awaitingConfiguration: true },
      ],
      identities: [
        { fingerprint: 'f1', reported: true, heard: ['x'], history: [{ what: 'bound' }] },
        { fingerprint: 'f2', reported: false },
      ],
      lastSeq: 3,
    })
    expect(state.device.contest).toMatchObject({ earlier: [1], until: 99 })
    expect([...state.storedCursors]).toEqual([['a', 2]])
    expect(
      object.commit((context) => queueOf(context, channelOf(context, '')).pending),
    ).toMatchObject([{ uuid: 'A', requestType: 'ProfileList' }])
    expect(object.commit((context) => readEarlier(context, 1))).toMatchObject({
      probe: 'probe',
      proven: true,
      channels,
    })
    expect(object.commit((context) => listEscrow(context)).tokens).toHaveLength(1)
    expect(tables(object)).toHaveLength(8)
    object.evict()
  }
  expect(object.commit((context) => recalledChannel(context, 'BOB'))).toMatchObject({ id: 2 })
})

it('rows of an unknown version are left as they are', () => {
  const object = new TestObject()
  object.db().run('CREATE TABLE device (id INTEGER PRIMARY KEY, schema INTEGER)')
  object.db().run('INSERT INTO device VALUES (1, 2)')
  expect(() => object.commit(({ state }) => state)).toThrow('no such table: channels')
})
