import { describe, expect, it } from 'vitest'
import { type MicroMdmFleet, readFleet } from '../../../../src/migration/micromdm/fleet.ts'
import { writeBolt } from '../bolt-file.ts'
import {
  deviceKeyOf,
  fingerprintOf,
  type FleetPlan,
  payloadOf,
  pushRecord,
  serialOf,
  TOPIC,
  writeMicroMdm,
} from '../micromdm-file.ts'
import { message } from '../protobuf.ts'

const read = (plan: FleetPlan): MicroMdmFleet =>
  readFleet(writeMicroMdm(plan), { now: Date.UTC(2027, 0) })
const U1 = { devices: [{ udid: 'U1' }] }
const LONG = 'U'.repeat(257)
const bad = { token: Buffer.alloc(5), magic: 'M'.repeat(2000), topic: 'with blanks' }

/** A plan, and what is odd about it: code and id. */
type Case = readonly [title: string, plan: FleetPlan, odd: readonly (readonly [string, string])[]]

const CASES: readonly Case[] = [
  ['a fleet without faults', U1, []],
  [
    'an id that is too long',
    { devices: [{ udid: LONG, isBlocked: true }] },
    [
      ['bad_id', LONG],
      ['bad_id', LONG],
      ['bad_id', LONG],
      ['bad_id', LONG],
    ],
  ],
  [
    'an id with a colon, and one with a control character',
    { enrollments: [{ id: 'E:1' }, { id: 'E\u001b[2J' }] },
    [
      ['bad_id', 'E\ufffd[2J'],
      ['bad_id', 'E:1'],
    ],
  ],
  [
    'a user’s id that is too long',
    { devices: [{ udid: 'U1', users: [{ userId: LONG }] }] },
    [['bad_id', LONG]],
  ],
  [
    'a record without UDID and serial number',
    { raw: { 'mdm.Devices': { k: message([1, 'k']) } } },
    [['empty_record', 'k']],
  ],
  [
    'a record under another key',
    { ...U1, raw: { 'mdm.PushInfo': { U1: pushRecord('U2', bad) } } },
    [
      ['key_differs', 'U1'],
      ['bad_value', 'U1'],
      ['bad_value', 'U1'],
      ['bad_value', 'U1'],
    ],
  ],
  [
    'tokens that are not hex',
    {
      ...U1,
      raw: {
        'mdm.PushInfo': { U1: message([1, 'U1'], [2, 'xyz'], [3, 'M'], [4, TOPIC]) },
        'mdm.Devices': {
          [deviceKeyOf('U1')]: message(
            [1, deviceKeyOf('U1')],
            [2, 'U1'],
            [3, serialOf('U1')],
            [12, 'abc'],
            [13, true],
          ),
        },
      },
    },
    [
      ['bad_value', 'U1'],
      ['bad_value', 'U1'],
    ],
  ],
  [
    'two records of one UDID',
    {
      ...U1,
      raw: { 'mdm.Devices': { other: message([1, 'other'], [2, 'U1'], [3, 'S']) } },
    },
    [['udid_twice', 'U1']],
  ],
  [
    'two devices with one serial number',
    { devices: ['U1', 'U2'].map((udid) => ({ udid, facts: { SerialNumber: 'C0' } })) },
    [['serial_shared', 'C0']],
  ],
  [
    'an index that names a record that is gone',
    { ...U1, raw: { 'mdm.DeviceIdx': { OLD: 'gone' } } },
    [['index_differs', 'OLD']],
  ],
  [
    'an index that names another record',
    { ...U1, raw: { 'mdm.DeviceIdx': { OLD: deviceKeyOf('U1') } } },
    [['index_differs', 'OLD']],
  ],
  [
    'an index without a device',
    { ...U1, raw: { 'mdm.DeviceIdx': { U1: undefined } } },
    [['index_differs', 'U1']],
  ],
  [
    'a certificate that is bound to two ids',
    { devices: ['U1', 'U2'].map((udid) => ({ udid, fingerprint: 'ab'.repeat(32) })) },
    [
      ['binding_shared', 'U1'],
      ['binding_shared', 'U2'],
    ],
  ],
  [
    'a binding that is no hash',
    { ...U1, raw: { 'mdm.UDIDCertAuth': { U1: 'short' } } },
    [
      ['bad_binding', 'U1'],
      ['unproven', 'U1'],
    ],
  ],
  [
    'a few devices with another push topic',
    {
      devices: ['U1', 'U2', 'U3'].map((udid) => ({
        udid,
        ...(udid === 'U2' && { push: { topic: 'com.apple.mgmt.other' } }),
      })),
    },
    [['topic_differs', 'com.apple.mgmt.other']],
  ],
  [
    'a payload that is no property list, and one without a CommandUUID',
    {
      devices: [
        {
          udid: 'U1',
          commands: [
            { uuid: 'A', payload: 'no plist' },
            { uuid: 'B', payload: '<plist version="1.0"><dict/></plist>' },
          ],
        },
      ],
    },
    [
      ['bad_payload', 'U1'],
      ['bad_payload', 'U1'],
    ],
  ],
  [
    'a command that has another UUID inside',
    { devices: [{ udid: 'U1', commands: [{ uuid: 'A', payload: payloadOf('B') }] }] },
    [['uuid_differs', 'U1']],
  ],
  [
    'a bucket of another program',
    { ...U1, raw: { other: { k: 'v' } } },
    [['unknown_bucket', 'other']],
  ],
  [
    'a file of an older MicroMDM',
    { ...U1, without: ['mdm.UDIDCertAuth'] },
    [
      ['unproven', 'U1'],
      ['missing_bucket', 'mdm.UDIDCertAuth'],
    ],
  ],
]

describe('what is odd is said and does not fail', () => {
  it.each(CASES)('%s', (_, plan, odd) => {
    const found = read(plan).odd
    expect(found.map(({ what, about }) => [what, about])).toEqual(odd)
    for (const { detail } of found) {
      expect(detail).toMatch(/^[A-Z].*\.$/)
      expect(detail.length).toBeLessThan(500)
    }
  })
})

describe('of odd parts', () => {
  it('values are left out, and the rest is moved', () => {
    const push = { ...bad, token: Buffer.alloc(32, 1) }
    const { devices } = read({ devices: [{ udid: 'U1', push }] })
    expect(devices[0]?.channels[0]).toMatchObject({
      token: push.token.toString('base64'),
      magic: '',
      topic: '',
    })
  })

  it('a binding of two ids is left out for both', () => {
    const { devices } = read({
      devices: ['U1', 'U2', 'U3'].map((udid) => ({
        udid,
        ...(udid !== 'U3' && { fingerprint: 'ab'.repeat(32) }),
      })),
    })
    expect(devices.map(({ bindings }) => bindings)).toEqual([
      [],
      [],
      [{ fingerprint: fingerprintOf({ udid: 'U3' }) }],
    ])
  })

  it('ids that cannot be moved are kept, whatever they stand for', () => {
    const device = { udid: LONG, isBlocked: true, commands: ['A'] }
    const { devices, kept } = read({ devices: [device] })
    expect(devices).toEqual([])
    const kinds = kept.map(({ kind }) => kind).toSorted()
    expect(kinds).toEqual(['binding', 'block', 'device', 'push_info', 'queue'])
    expect(new Set(kept.map(({ name }) => name))).toEqual(new Set([LONG]))
  })

  it('a payload that is no command is kept, and the others are moved', () => {
    const commands = [{ uuid: 'A', payload: 'no plist' }, 'B']
    const { devices, kept } = read({ devices: [{ udid: 'U1', commands }] })
    expect(devices[0]?.channels[0]?.commands?.map(({ uuid }) => uuid)).toEqual(['B'])
    expect(kept).toEqual([
      { kind: 'command', name: 'U1 A', data: Buffer.from('no plist').toString('base64') },
    ])
  })

  it('a command has the UUID that the device answers', () => {
    const commands = [{ uuid: 'A', payload: payloadOf('B') }]
    const { devices } = read({ devices: [{ udid: 'U1', commands }] })
    expect(devices[0]?.channels[0]?.commands).toMatchObject([{ uuid: 'B' }])
  })

  it('the record that MicroMDM looks up is the one that is moved', () => {
    const record = (serial: string) => message([1, serial], [2, 'U1'], [3, serial], [13, true])
    const raw = { 'mdm.Devices': { '000': record('000'), zzz: record('zzz') } }
    const { devices, kept } = read({ devices: [{ udid: 'U1' }], raw })
    expect(devices.map(({ facts }) => facts?.SerialNumber)).toEqual([serialOf('U1')])
    expect(kept.map(({ kind }) => kind)).toEqual(['device', 'device'])
  })

  it('facts are cut as those in a device’s messages', () => {
    const facts = { SerialNumber: 'C\ufffd2', DeviceName: 'n'.repeat(300) }
    expect(read({ devices: [{ udid: 'U1', facts }] }).devices[0]?.facts).toEqual({
      SerialNumber: '',
      DeviceName: 'n'.repeat(256),
    })
  })

  it('keys that are no text are not mistaken for each other', () => {
    const keys = [Uint8Array.of(0xff), Uint8Array.of(0xfe)]
    const bytes = writeBolt({
      buckets: {
        'mdm.Devices': {},
        'mdm.RemoveDevice': { entries: keys.map((key) => [key, message([1, 'U1'])]) },
      },
    })
    const { devices, kept } = readFleet(bytes, { now: 0 })
    expect(devices).toEqual([])
    expect(kept.map(({ name }) => name)).toEqual(['\ufffdfe', '\ufffdff'])
  })
})

describe('of the file itself', () => {
  it('a bucket inside another one is odd', () => {
    const bytes = writeBolt({ buckets: { 'mdm.Devices': { buckets: { inner: {} } } } })
    expect(readFleet(bytes, { now: 0 }).odd).toContainEqual(
      expect.objectContaining({ what: 'unknown_bucket', about: 'mdm.Devices/inner' }),
    )
  })

  it('a broken header is odd', () => {
    const bytes = writeMicroMdm(U1)
    bytes[16] = 0
    expect(readFleet(bytes, { now: 0 })).toMatchObject({
      devices: [{ id: 'U1' }],
      odd: [{ what: 'damaged_header' }],
    })
  })

  it('pages that are neither used nor free are odd', () => {
    const bytes = writeMicroMdm(U1, { freeEach: 2 })
    // The list of free pages is the last page.
    bytes.writeUInt16LE(0, bytes.length - 4096 + 10)
    expect(readFleet(bytes, { now: 0 })).toMatchObject({
      devices: [{ id: 'U1' }],
      odd: [{ what: 'lost_pages' }],
    })
  })
})

it('a bolt file of another program is refused', () => {
  const bytes = writeMicroMdm({ without: ['mdm.Devices'] })
  expect(() => readFleet(bytes, { now: 0 })).toThrow(
    expect.objectContaining({
      code: 'not_micromdm',
      message: expect.stringContaining('micromdm.db'),
    }),
  )
})

it('a record that cannot be read is refused, and its bucket and key are said', () => {
  const bytes = writeMicroMdm({ raw: { 'mdm.PushInfo': { U1: Uint8Array.of(0x0a, 9) } } })
  expect(() => readFleet(bytes, { now: 0 })).toThrow(
    expect.objectContaining({
      code: 'bad_record',
      message: expect.stringMatching(
        /"U1" of bucket mdm\.PushInfo .*ends within a field.*boltbackup/,
      ),
    }),
  )
})
