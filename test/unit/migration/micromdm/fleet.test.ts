import { describe, expect, it } from 'vitest'
import { type MicroMdmFleet, readFleet } from '../../../../src/migration/micromdm/fleet.ts'
import type { MovedDevice } from '../../../../src/migration/moved.ts'
import type { BoltLayout } from '../bolt-file.ts'
import {
  fingerprintOf,
  type FleetPlan,
  payloadOf,
  plannedDevices,
  pushOf,
  pushRecord,
  serialOf,
  TOPIC,
  userKeyOf,
  userRecord,
  uuidOf,
  writeMicroMdm,
} from '../micromdm-file.ts'

const NOW = Date.UTC(2027, 0)
const SHARED = 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF'

const read = (plan: FleetPlan, layout?: BoltLayout): MicroMdmFleet =>
  readFleet(writeMicroMdm(plan, layout), { now: NOW })

function only(plan: FleetPlan): MovedDevice {
  const { devices } = read(plan)
  expect(devices.length).toBe(1)
  return devices[0] ?? { id: '', type: 'Device', source: 'micromdm', channels: [] }
}

const codes = ({ odd }: MicroMdmFleet): string[] => odd.map(({ what }) => what)
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
const push = (id: string) => {
  const { token, magic, topic } = pushOf(id)
  return { token: base64(token), magic, topic }
}

describe('a device', () => {
  it('has all that its record says', () => {
    const facts = {
      SerialNumber: 'C02',
      DeviceName: 'Zoë’s Mac',
      Model: 'Mac14,2',
      ModelName: 'MacBook Air',
      ProductName: 'Mac14,2',
      OSVersion: '14.5',
      BuildVersion: '23F79',
      IMEI: '35',
      MEID: '36',
    }
    const device = only({
      devices: [
        {
          udid: 'U1',
          facts,
          unlockToken: Buffer.from('unlock'),
          bootstrapToken: Buffer.from('bootstrap'),
          isAwaitingConfiguration: true,
          lastSeen: 1_790_000_000_123,
          commands: ['A', 'B'],
        },
      ],
    })
    expect(device).toEqual({
      id: 'U1',
      type: 'Device',
      source: 'micromdm',
      state: 'enrolled',
      blocked: false,
      facts,
      lastSeen: 1_790_000_000_123,
      unlockToken: base64(Buffer.from('unlock')),
      bootstrapToken: base64(Buffer.from('bootstrap')),
      bindings: [{ fingerprint: fingerprintOf({ udid: 'U1' }) }],
      channels: [
        {
          user: '',
          ...push('U1'),
          awaitingConfiguration: true,
          commands: ['A', 'B'].map((uuid) => ({
            uuid,
            payload: base64(payloadOf(uuid)),
            queuedAt: 0,
            notNow: false,
          })),
        },
      ],
    })
  })

  it('with little in its record lacks the rest', () => {
    expect(only({ devices: [{ udid: 'U1', push: false, isEnrolled: false }] })).toEqual({
      id: 'U1',
      type: 'Device',
      source: 'micromdm',
      state: 'authenticated',
      blocked: false,
      facts: { SerialNumber: serialOf('U1') },
      bindings: [{ fingerprint: fingerprintOf({ udid: 'U1' }) }],
      channels: [
        { user: '', token: '', magic: '', topic: '', awaitingConfiguration: false, commands: [] },
      ],
    })
  })

  it.each<[string, { isEnrolled?: boolean; push?: false; hasRecord?: boolean }, string]>([
    ['that is enrolled', {}, 'enrolled'],
    ['that checked out still has its push token', { isEnrolled: false }, 'checked_out'],
    ['that authenticated only', { isEnrolled: false, push: false }, 'authenticated'],
    ['that an admin removed', { hasRecord: false }, 'retired'],
  ])('%s', (_, device, state) => {
    expect(only({ devices: [{ udid: 'U1', ...device }] }).state).toBe(state)
  })

  it('that is retired keeps its queue and binding, and loses its push token', () => {
    const plan = { devices: [{ udid: 'U1', hasRecord: false, commands: ['A'] }] }
    expect(only(plan)).toMatchObject({
      bindings: [{ fingerprint: fingerprintOf({ udid: 'U1' }) }],
      channels: [{ user: '', token: '', magic: '', topic: '', commands: [{ uuid: 'A' }] }],
    })
    expect(codes(read(plan))).toEqual(['retired'])
  })

  it('has the newest push token, that of mdm.PushInfo', () => {
    const devices = [{ udid: 'U1', push: { magic: 'of the record' } }]
    const newest = pushRecord('U1', { token: Buffer.alloc(32, 1), magic: 'newest', topic: 'topic' })
    const fleet = read({ devices, raw: { 'mdm.PushInfo': { U1: newest } } })
    expect(fleet.devices[0]?.channels[0]).toMatchObject({ magic: 'newest', topic: 'topic' })
    expect(codes(fleet)).toEqual([])
    const older = read({ devices, raw: { 'mdm.PushInfo': { U1: undefined } } })
    expect(older.devices[0]?.channels[0]).toMatchObject({ magic: 'of the record', topic: '' })
    expect(codes(older)).toEqual(['push_info_missing'])
  })

  it('that is known by a push token alone is enrolled, and odd', () => {
    const udid = '00008030-001C2D3E4F500032'
    const fleet = read({ devices: [{ udid, hasRecord: false, fingerprint: false }] })
    expect(fleet.devices).toMatchObject([
      { id: udid, type: 'Device', state: 'enrolled', bindings: [], channels: [push(udid)] },
    ])
    expect(codes(fleet)).toEqual(['no_device_record'])
  })

  it.each<[string, Required<FleetPlan>['raw']]>([
    ['in the index of devices', { 'mdm.DeviceIdx': { UDID: 'gone' } }],
    [
      'in a user’s record',
      {
        'mdm.Users': { u: userRecord('u', 'UDID', { userId: 'A1' }) },
        'mdm.UserIdx': { UDID: 'u', A1: 'u' },
      },
    ],
  ])('that is known by a push token and %s is no EnrollmentID', (_, raw) => {
    const fleet = read({ enrollments: [{ id: 'UDID' }], raw })
    expect(fleet.devices).toMatchObject([{ id: 'UDID', type: 'Device', state: 'enrolled' }])
    expect(codes(fleet)).toContain('no_device_record')
  })

  it('without a binding is unproven', () => {
    const fleet = read({ devices: [{ udid: 'U1', fingerprint: false }] })
    expect(fleet.devices[0]?.bindings).toEqual([])
    expect(codes(fleet)).toEqual(['unproven'])
  })

  it('that is blocked and otherwise unknown has no state and no channel', () => {
    const plan = {
      devices: [{ udid: 'U1', hasRecord: false, fingerprint: false, push: false, isBlocked: true }],
    } as const
    expect(only(plan)).toEqual({
      id: 'U1',
      type: 'Device',
      source: 'micromdm',
      blocked: true,
      channels: [],
    })
    expect(codes(read(plan))).toEqual(['blocked'])
  })

  it('of Apple’s enrolment service alone is kept by its serial number', () => {
    const fleet = read({ depDevices: ['C02X'] })
    expect(fleet.devices).toEqual([])
    expect(fleet.kept).toMatchObject([{ kind: 'dep_device', name: 'C02X' }])
    expect(fleet.odd).toEqual([])
  })
})

describe('an EnrollmentID', () => {
  it('is an enrolled device without bindings and facts', () => {
    const fleet = read({ enrollments: [{ id: 'E1', commands: ['A'] }] })
    expect(fleet.devices).toEqual([
      {
        id: 'E1',
        type: 'User Enrollment (Device)',
        source: 'micromdm',
        state: 'enrolled',
        blocked: false,
        channels: [{ user: '', ...push('E1'), commands: [expect.objectContaining({ uuid: 'A' })] }],
      },
    ])
    expect(fleet.odd).toEqual([])
  })
})

describe('a queue', () => {
  it('has the pending commands, then those of NotNow; history is counted', () => {
    const plan = {
      devices: [
        { udid: 'U1', commands: ['C', 'A'], notNow: ['B'], completed: ['X', 'Y'], failed: ['Z'] },
      ],
    }
    const commands = only(plan).channels[0]?.commands ?? []
    expect(commands.map(({ uuid, notNow }) => [uuid, notNow])).toEqual([
      ['C', false],
      ['A', false],
      ['B', true],
    ])
    expect(read(plan).counts).toMatchObject({ commands: 3, completed: 2, failed: 1 })
  })

  it('of which MicroMDM had none in the file is not said to be empty', () => {
    const fleet = read({ devices: [{ udid: 'U1' }], without: ['mdm.DeviceCommands'] })
    expect(fleet.devices[0]?.channels[0]).not.toHaveProperty('commands')
    expect(fleet.odd).toEqual([
      expect.objectContaining({ what: 'missing_bucket', detail: expect.stringContaining('inmem') }),
    ])
  })

  it('of an id that is nothing else is kept as it came', () => {
    const fleet = read({ enrollments: [{ id: 'typo', push: false, commands: ['A'] }] })
    expect(fleet.devices).toEqual([])
    expect(codes(fleet)).toEqual(['queue_without_device'])
    expect(fleet.kept).toMatchObject([{ kind: 'queue', name: 'typo' }])
    expect(Buffer.from(fleet.kept[0]?.data ?? '', 'base64').includes(payloadOf('A'))).toBe(true)
  })

  it('of such an id that has only history is nothing', () => {
    const fleet = read({ enrollments: [{ id: 'typo', push: false, completed: ['A'] }] })
    expect([fleet.odd, fleet.kept, fleet.counts.completed]).toEqual([[], [], 1])
  })
})

describe('a user', () => {
  const users = [{ userId: 'A1', commands: ['A'], notNow: ['B'] }]

  it('is a channel of its device', () => {
    const { channels } = only({ devices: [{ udid: 'U1', users }] })
    expect(channels[1]).toEqual({
      user: 'A1',
      ...push('A1'),
      commands: [
        expect.objectContaining({ uuid: 'A', notNow: false }),
        expect.objectContaining({ uuid: 'B', notNow: true }),
      ],
    })
  })

  it('of a retired device loses its push token too', () => {
    const { channels } = only({ devices: [{ udid: 'U1', users, hasRecord: false }] })
    expect(channels[1]).toMatchObject({ user: 'A1', token: '', commands: [{ uuid: 'A' }, {}] })
  })

  it('of a device that is not in the file is kept', () => {
    const gone = { udid: 'U1', users, hasRecord: false, fingerprint: false, push: false } as const
    const fleet = read({ devices: [gone] })
    expect(fleet.devices).toEqual([])
    expect(codes(fleet)).toEqual(['user_without_device', 'queue_without_device'])
    expect(fleet.kept.map(({ kind }) => kind).toSorted()).toEqual(['push_info', 'queue', 'user'])
  })

  it('whose record MicroMDM deleted is no EnrollmentID', () => {
    const record = userKeyOf('U1', 'A1')
    const fleet = read({
      devices: [{ udid: 'U1', users }],
      raw: { 'mdm.Users': { [record]: undefined } },
    })
    expect(fleet.devices.map(({ id }) => id)).toEqual(['U1'])
    expect(codes(fleet)).toEqual(['user_without_record', 'queue_without_device'])
    expect(fleet.kept).toMatchObject([
      { kind: 'push_info', name: 'A1' },
      { kind: 'queue', name: 'A1' },
    ])
  })

  it('with two records is the one that MicroMDM looks up', () => {
    const shared = { userId: 'A1', commands: ['A'] }
    const fleet = read({
      devices: ['U1', 'U2', 'U3'].map((udid) => ({ udid, users: [shared] })),
    })
    expect(fleet.devices.map(({ channels }) => channels.length)).toEqual([1, 1, 2])
    expect(codes(fleet)).toEqual(['user_twice', 'user_twice'])
  })

  it('that is an account to be made belongs to no device', () => {
    const fleet = read({ accounts: ['ladmin'], devices: [{ udid: 'U1', users }] })
    expect(fleet.setupUsers).toEqual([
      {
        uuid: uuidOf('account ladmin'),
        shortName: 'ladmin',
        longName: '',
        hidden: true,
        passwordHash: base64(Buffer.from('<plist/>')),
      },
    ])
    expect([fleet.kept, fleet.odd]).toEqual([[], []])
  })
})

describe('a Shared iPad', () => {
  const ipad = (udid: string, shortName: string) => ({
    udid,
    users: [{ userId: SHARED, shortName, commands: ['A'] }],
  })

  it('that sent the last push token has its user’s channel, without commands', () => {
    const fleet = read({ devices: [ipad('U1', 'jane')] })
    expect(fleet.devices[0]?.channels[1]).toEqual({
      user: 'jane',
      isSharedIPad: true,
      ...push(SHARED),
    })
    expect(codes(fleet)).toEqual(['shared_ipad', 'queue_without_device'])
    expect(fleet.kept).toMatchObject([{ kind: 'queue', name: SHARED }])
  })

  it('that is not certainly the last one has none', () => {
    const raw = { 'mdm.PushInfo': { [SHARED]: undefined } }
    const fleet = read({ devices: [ipad('U1', 'jane')], raw })
    expect(fleet.devices[0]?.channels.length).toBe(1)
    const unnamed = read({ devices: [ipad('U1', '')] })
    expect(unnamed.devices[0]?.channels.length).toBe(1)
    expect(codes(unnamed)).toEqual(['shared_ipad', 'queue_without_device'])
    expect(unnamed.kept.map(({ kind }) => kind).toSorted()).toEqual(['push_info', 'queue', 'user'])
  })
})

describe('the server', () => {
  it('has profiles and challenges', () => {
    const fleet = read({
      profiles: { 'com.example.a': '<plist/>' },
      challenges: ['one', 'two'],
    })
    expect(fleet.profiles).toEqual([
      { identifier: 'com.example.a', mobileconfig: base64(Buffer.from('<plist/>')) },
    ])
    expect(fleet.challenges).toEqual(['one', 'two'])
    expect([fleet.kept, fleet.odd]).toEqual([[], []])
  })

  it('has blueprints as MicroMDM shows them', () => {
    const blueprint = {
      name: 'staff',
      manifests: ['https://mdm.test/repo/a.plist', 'https://mdm.test/repo/b.plist'],
      profiles: ['com.example.b', 'com.example.a'],
      users: ['USER'],
      skipsPrimary: true,
    }
    expect(read({ blueprints: [blueprint, { name: 'empty' }] }).blueprints).toEqual(
      expect.arrayContaining([
        {
          uuid: uuidOf('blueprint staff'),
          name: 'staff',
          install_application_manifest_urls: blueprint.manifests,
          profile_ids: blueprint.profiles,
          user_uuids: ['USER'],
          skip_primary_setup_account_creation: true,
          set_primary_setup_account_as_regular_user: false,
          apply_at: ['Enroll'],
        },
        expect.objectContaining({ name: 'empty', profile_ids: [] }),
      ]),
    )
  })
})

it('a fleet of thousands is the same in any layout, sorted by id', () => {
  const plan = {
    devices: plannedDevices(2000, (n) => ({ commands: [`C${n}`], isEnrolled: n % 5 !== 0 })),
  }
  const fleet = read(plan)
  expect(fleet.devices.length).toBe(2000)
  expect(fleet.devices.map(({ id }) => id)).toEqual(plan.devices.map(({ udid }) => udid).toSorted())
  expect(fleet.devices[0]?.channels[0]?.topic).toBe(TOPIC)
  expect(read(plan, { pageSize: 1024, perPage: 3, freeEach: 7 })).toEqual(fleet)
})
