import { describe, expect, it } from 'vitest'
import { NO_FACTS, readMessage } from '../../../src/mdm/message.ts'
import { SHARED_IPAD_USER_ID } from '../../../src/mdm/enrollment.ts'
import { messagesOfRecord, recordOfMessage } from '../../../src/migration/check-ins.ts'
import type { MovedChannel, MovedDevice } from '../../../src/migration/moved.ts'
import { asDict } from '../../../src/plist/dict.ts'
import { readPlist } from '../../../src/plist/read.ts'
import { writePlist } from '../../../src/plist/write.ts'

const bytes = (length: number, fill: number) => new Uint8Array(length).fill(fill)
const base64 = (length: number, fill: number) => Buffer.from(bytes(length, fill)).toString('base64')
const TOPIC = 'com.apple.mgmt.External.1'
const channel = (user: string, more: Partial<MovedChannel> = {}): MovedChannel => ({
  user,
  isSharedIPad: false,
  token: base64(32, user.length),
  magic: `MAGIC ${user}`,
  topic: TOPIC,
  ...more,
})
const record: MovedDevice = {
  id: 'UDID-1',
  type: 'Device',
  source: 'nanomdm',
  state: 'enrolled',
  facts: { ...NO_FACTS, SerialNumber: 'C02', OSVersion: '27.0' },
  channels: [channel('')],
  unlockToken: base64(40, 1),
  bootstrapToken: base64(24, 2),
}
const plists = (of: MovedDevice) =>
  messagesOfRecord(of).map((message) => asDict(readPlist(message)))
const again = (of: MovedDevice) =>
  messagesOfRecord(of).map((message) => recordOfMessage(readMessage(message)))

describe('the messages of a record', () => {
  it('are those of an enrolment, in its order', () => {
    const ids = { UDID: 'UDID-1' }
    const user = { ...ids, MessageType: 'TokenUpdate', Topic: TOPIC }
    expect(
      plists({
        ...record,
        channels: [channel('ADA'), channel('', { awaitingConfiguration: true })],
      }),
    ).toEqual([
      { ...ids, MessageType: 'Authenticate', Topic: TOPIC, SerialNumber: 'C02', OSVersion: '27.0' },
      {
        ...ids,
        MessageType: 'TokenUpdate',
        Topic: TOPIC,
        Token: bytes(32, 0),
        PushMagic: 'MAGIC ',
        UnlockToken: bytes(40, 1),
        AwaitingConfiguration: true,
      },
      { ...ids, MessageType: 'SetBootstrapToken', BootstrapToken: bytes(24, 2) },
      { ...user, UserID: 'ADA', Token: bytes(32, 3), PushMagic: 'MAGIC ADA' },
    ])
  })

  it('name the user by the keys of its kind of enrolment', () => {
    const [, , , shared] = plists({
      ...record,
      channels: [channel(''), channel('ada@example.com', { isSharedIPad: true })],
    })
    expect(shared).toMatchObject({
      UDID: 'UDID-1',
      UserID: SHARED_IPAD_USER_ID,
      UserShortName: 'ada@example.com',
    })
    const own = { ...record, type: 'User Enrollment (Device)' } as const
    const [first, , , user] = plists({ ...own, channels: [channel(''), channel('ADA')] })
    expect(first).toMatchObject({ EnrollmentID: 'UDID-1' })
    expect(first).not.toHaveProperty('UDID')
    expect(user).toMatchObject({ EnrollmentID: 'UDID-1', EnrollmentUserID: 'ADA' })
    expect(user).not.toHaveProperty('UserID')
  })

  it('leave out tokens that there are none of, and are none without a push token', () => {
    const { unlockToken: _, bootstrapToken: __, ...bare } = record
    expect(plists(bare).map(({ MessageType }) => MessageType)).toEqual([
      'Authenticate',
      'TokenUpdate',
    ])
    expect(plists(bare)[1]).not.toHaveProperty('UnlockToken')
    expect(plists({ ...record, channels: [channel('', { token: '' })] })).toEqual([])
    expect(plists({ ...record, channels: [channel('ADA')] })).toEqual([])
  })

  it('become the same record again', () => {
    const ipad = channel('ada@example.com', { isSharedIPad: true })
    const base = { id: 'UDID-1', type: 'Device', source: 'nanomdm', channels: [] }
    expect(again({ ...record, channels: [channel(''), ipad] })).toEqual(
      [
        { ...base, state: 'authenticated', facts: record.facts },
        { ...base, state: 'enrolled', channels: [channel('')], unlockToken: base64(40, 1) },
        { ...base, bootstrapToken: base64(24, 2) },
        { ...base, channels: [ipad] },
      ].map((part) => ({ ok: true, record: part })),
    )
  })
})

describe('a message', () => {
  const read = (keys: Parameters<typeof writePlist>[0]) =>
    recordOfMessage(readMessage(writePlist(keys)))
  const token = { UDID: 'U', MessageType: 'TokenUpdate', Topic: TOPIC, PushMagic: 'M' }

  it.each([
    ['CheckOut', { UDID: 'U', MessageType: 'CheckOut' }, /^CheckOut is no part/],
    ['UserAuthenticate', { UDID: 'U', UserID: 'A', MessageType: 'UserAuthenticate' }, /^UserAuth/],
    ['a report', { UDID: 'U', Status: 'Idle' }, /report of a command/],
    ['a token of 31 bytes', { ...token, Token: bytes(31, 1) }, /no push reaches/],
    ['a topic with a blank', { ...token, Token: bytes(32, 1), Topic: 'a b' }, /no push reaches/],
  ])('that is no part of a record has a fault: %s', (_, keys, fault) => {
    expect(read(keys)).toEqual({ ok: false, fault: expect.stringMatching(fault) })
  })

  it('of a user has no unlock token of the device', () => {
    const part = read({ ...token, UserID: 'A', Token: bytes(32, 1), UnlockToken: bytes(8, 1) })
    expect(part).toMatchObject({ ok: true, record: { channels: [{ user: 'A' }] } })
    expect(part.ok && part.record).not.toHaveProperty('unlockToken')
    expect(part.ok && part.record).not.toHaveProperty('state')
  })

  it('without a bootstrap token is an empty part', () => {
    expect(read({ UDID: 'U', MessageType: 'SetBootstrapToken' })).toMatchObject({
      record: { channels: [], bootstrapToken: '' },
    })
  })
})
