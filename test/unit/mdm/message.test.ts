import { describe, expect, it } from 'vitest'
import { readMessage } from '../../../src/mdm/message.ts'
import { buildBinary } from 'plist'
import { ProtocolError } from '../../../src/mdm/errors.ts'
import { SHARED_IPAD_USER_ID } from '../../../src/mdm/enrollment.ts'
import type { PlistDict } from '../../../src/plist/value.ts'
import { writePlist } from '../../../src/plist/write.ts'
import { tokenUpdate } from '../../devices/messages.ts'
import { string as text, xmlWith as xml } from '../../devices/xml.ts'

const tokenUpdateWith = (fields: PlistDict): Uint8Array =>
  writePlist(tokenUpdate('com.apple.mgmt.External.test', { UDID: 'UDID-1', ...fields }))

describe('a push value of a TokenUpdate', () => {
  it.each([
    ['Token', new Uint8Array(1024), new Uint8Array(1025)],
    ['PushMagic', 'é'.repeat(512), 'é'.repeat(513)],
  ])('is 1 KB of %s at most', (key, longest, longer) => {
    expect(readMessage(tokenUpdateWith({ [key]: longest }))).toMatchObject({ kind: 'checkin' })
    expect(() => readMessage(tokenUpdateWith({ [key]: longer }))).toThrow(
      `${key} is longer than 1024 bytes`,
    )
  })

  it('leaves its UnlockToken what it needs', () => {
    const UnlockToken = new Uint8Array(20_000)
    expect(readMessage(tokenUpdateWith({ UnlockToken }))).toMatchObject({
      unlockToken: UnlockToken,
    })
  })
})

describe('a text that addresses something', () => {
  const report = (CommandUUID: string) =>
    writePlist({ UDID: 'UDID-1', Status: 'Acknowledged', CommandUUID })
  const declaration = (Endpoint: string) =>
    writePlist({ UDID: 'UDID-1', MessageType: 'DeclarativeManagement', Endpoint })

  it.each([
    ['Topic', 1024, (Topic: string) => tokenUpdateWith({ Topic })],
    ['CommandUUID', 10_000, report],
    ['Endpoint', 2048, declaration],
  ])('has a bound: %s, %d characters', (key, most, make) => {
    expect(readMessage(make('x'.repeat(most)))).toBeDefined()
    expect(() => readMessage(make('x'.repeat(most + 1)))).toThrow(
      `${key} is longer than ${most} characters`,
    )
  })
})

it('an unknown status is cut, and stays unknown', () => {
  const message = readMessage(writePlist({ UDID: 'UDID-1', Status: 'x'.repeat(1_000_000) }))
  expect(message).toMatchObject({ kind: 'report', status: 'x'.repeat(256) })
})

const BROKEN = ['A\x1bB', 'A&#27;B', 'A\xed\xa0\x80B', 'A\xffB', 'A&#xD800;B', 'A\xef\xbf\xbeB']

const authenticate = (fields: Readonly<Record<string, string>>) =>
  readMessage(xml({ MessageType: text('Authenticate'), UDID: text('U'), ...fields }))

describe('a value that the server does not need', () => {
  it.each(BROKEN)('is repaired and never refused: %j', (broken) => {
    const { facts } = Object(
      authenticate({ DeviceName: text(broken), Model: text('Mac14,2'), X: text(broken) }),
    )
    expect(facts).toMatchObject({ DeviceName: expect.stringMatching(/^A�+B$/), Model: 'Mac14,2' })
    const report = { UDID: text('U'), Status: text('Acknowledged'), CommandUUID: text('c') }
    expect(readMessage(xml({ ...report, QueryResponses: text(broken) }))).toMatchObject({
      commandUUID: 'c',
    })
  })

  it.each([
    ['DeviceName', '<integer>1</integer>'],
    ['OSVersion', '<real>26.1</real>'],
    ['Model', '<integer>x</integer>'],
    ['IMEI', '<array><string>1</string></array>'],
    ['SerialNumber', '<data>QQ==</data>'],
    ['SerialNumber', text('C02\x1b')],
    ['SerialNumber', text('C02\xef\xbf\xbd')],
  ])('counts as absent when it is of no use: %s %s', (key, value) => {
    expect(authenticate({ [key]: value })).toEqual(authenticate({}))
  })

  it('may be an AwaitingConfiguration that is not a boolean, or the names of a Mac’s user', () => {
    const fields = {
      MessageType: text('TokenUpdate'),
      UDID: text('U'),
      UserID: text('V'),
      Topic: text('t'),
      Token: '<data>AAAA</data>',
      PushMagic: text('m'),
      AwaitingConfiguration: '<string>true</string>',
      UserShortName: text('a\x01'),
      UserLongName: '<integer>1</integer>',
    }
    expect(readMessage(xml(fields))).toMatchObject({
      enrollment: { type: 'User', device: 'U', user: 'V' },
      awaitingConfiguration: undefined,
      userShortName: 'a�',
      userLongName: '',
    })
  })

  it('is not read in a binary plist either', () => {
    const values = { UDID: 'U', Status: 'Idle', X: { Status: 'a', list: ['b', { Status: 'c' }] } }
    const bytes = Buffer.from(buildBinary(values))
    // The short string becomes a null object.
    bytes[bytes.lastIndexOf('Qb', undefined, 'latin1')] = 0
    expect(readMessage(bytes)).toMatchObject({ status: 'Idle' })
  })
})

describe('a value that addresses something', () => {
  const report = { UDID: text('U'), Status: text('Idle'), CommandUUID: text('c') }
  const tokenUpdateOf = {
    MessageType: text('TokenUpdate'),
    UDID: text('U'),
    Topic: text('t'),
    Token: '<data>AAAA</data>',
    PushMagic: text('m'),
  }
  const shared = { ...tokenUpdateOf, UserID: text(SHARED_IPAD_USER_ID), UserShortName: text('a') }
  const byEnrollment = {
    EnrollmentID: text('E'),
    EnrollmentUserID: text('F'),
    Status: text('Idle'),
  }
  const declaration = {
    MessageType: text('DeclarativeManagement'),
    UDID: text('U'),
    Endpoint: text('tokens'),
  }
  const needed = [
    ['UDID', report],
    ['Status', report],
    ['CommandUUID', report],
    ['MessageType', tokenUpdateOf],
    ['Topic', tokenUpdateOf],
    ['PushMagic', tokenUpdateOf],
    ['UserID', { ...report, UserID: text('V') }],
    ['UserShortName', shared],
    ['EnrollmentID', byEnrollment],
    ['EnrollmentUserID', byEnrollment],
    ['Endpoint', declaration],
  ] as const

  it.each(needed)('is refused when it had to be repaired, with that reason: %s', (key, fields) => {
    expect(readMessage(xml(fields))).toBeDefined()
    for (const broken of BROKEN) {
      const refused = () => readMessage(xml({ ...fields, [key]: text(broken) }))
      expect(refused).toThrow(ProtocolError)
      expect(refused).toThrow(`${key} holds bytes or characters that are no text`)
    }
    expect(() => readMessage(xml({ ...fields, [key]: '<integer>1</integer>' }))).toThrow(
      `${key} cannot be read`,
    )
  })

  it.each([
    ['Token', { ...tokenUpdateOf, Token: '<data>QQ</data>' }],
    ['UnlockToken', { ...tokenUpdateOf, UnlockToken: text('QQ==') }],
    [
      'BootstrapToken',
      { ...report, MessageType: text('SetBootstrapToken'), BootstrapToken: '<true/>' },
    ],
    ['Data', { ...declaration, Data: '<data>!</data>' }],
  ])('is refused as %s that is not data', (key, fields) => {
    expect(() => readMessage(xml(fields))).toThrow(
      new RegExp(`^plist: ${key} (cannot be read|is not data)`),
    )
  })

  it('may hold a U+FFFD of its own: an admin may have chosen it', () => {
    for (const uuid of ['c\xef\xbf\xbd', 'c&#xFFFD;']) {
      const fields = { ...report, CommandUUID: text(uuid), X: text('\xff') }
      expect(readMessage(xml(fields))).toMatchObject({ commandUUID: 'c�' })
    }
  })
})
