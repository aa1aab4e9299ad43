import { describe, expect, it } from 'vitest'
import type { Enrollment } from '../../../../src/mdm/enrollment.ts'
import type { Message } from '../../../../src/mdm/message.ts'
import { IDENTITY_CONFLICT } from '../../../../src/events/topics.ts'
import { directoryRow } from '../../../../src/device/standing/directory-row.ts'
import { reinstateIdentity, revokeIdentity } from '../../../../src/device/enrolment/revocation.ts'
import { renewIdentity, type Claim } from '../../../../src/device/enrolment/identity.ts'
import { pushTarget } from '../../../../src/device/push/decide.ts'
import { viewDevice } from '../../../../src/device/views/device.ts'
import { viewQueue } from '../../../../src/device/queue/page.ts'
import { receive } from '../../../../src/device/enrolment/receive.ts'
import { writePlist } from '../../../../src/plist/write.ts'
import { attemptRenewal, renewalFacts } from '../../../../src/device/enrolment/renewal.ts'
import { enrol } from '../enrolled.ts'
import { TestObject } from '../object.ts'
import {
  authenticate,
  checkIn,
  DEVICE,
  idle,
  queue,
  report,
  say,
  tokenUpdate,
  user,
} from '../say.ts'

const HOUR = 3_600_000

it('users whose first message was an Idle stay apart after an eviction', () => {
  const object = new TestObject()
  say(object, authenticate)
  say(object, tokenUpdate(DEVICE))
  expect(say(object, idle(user('X')))).toMatchObject({
    kind: 'accepted',
    claim: { user: 'X' },
  })
  say(object, tokenUpdate(user('Y')))
  object.evict()
  expect(say(object, idle(user('X')))).toMatchObject({ kind: 'accepted' })
  expect(say(object, idle(user('Y')))).toMatchObject({ kind: 'accepted' })
  expect(say(object, authenticate)).toMatchObject({ kind: 'accepted' })
})

it('an identity of an earlier enrolment is reported once, and again after it was current in between', () => {
  const object = new TestObject()
  const anew = (fingerprint: string) => {
    say(object, authenticate, fingerprint, { bound: { udid: true, serial: true } })
    say(object, tokenUpdate(DEVICE), fingerprint)
  }
  const conflicts = () =>
    object
      .db()
      .all<{ about: string }>('SELECT about FROM events WHERE topic = ?', IDENTITY_CONFLICT)
      .map(({ about }) => JSON.parse(about)['fingerprint'])
  anew('A')
  anew('B')
  expect(say(object, idle(DEVICE), 'A')).toMatchObject({ kind: 'conflict' })
  expect(say(object, idle(DEVICE), 'A')).toMatchObject({ kind: 'conflict' })
  expect(conflicts()).toEqual(['A'])
  object.commit((context) => reinstateIdentity(context, 'A'))
  anew('C')
  expect(say(object, idle(DEVICE), 'A')).toMatchObject({ kind: 'conflict' })
  expect(conflicts()).toEqual(['A', 'A'])
})

it('a device with an expired identity is served, and the URL it calls is written once', () => {
  const object = new TestObject()
  const expired = { caKey: 'ca', subject: 'CN=device', notAfter: 1, issuedHere: false }
  const input = (message: Message) => ({
    message,
    body: new Uint8Array([1]),
    eventId: 'e',
    url: `https://mdm.test/${message.kind}?site=1`,
    params: {},
    fingerprint: 'A',
    claim: expired,
    listeners: [],
    conflictListeners: [],
    deferredListeners: [],
  })
  for (const message of [authenticate, tokenUpdate(DEVICE), idle(DEVICE)]) {
    const answer = object.commit((context) => receive(context, input(message)))
    expect(answer.kind).toBe('accepted')
  }
  expect(object.commit(renewalFacts)).toMatchObject({
    kind: 'ready',
    identity: 'A',
    serverUrl: 'https://mdm.test/report?site=1',
    checkInUrl: 'https://mdm.test/checkin?site=1',
    topic: 'topic',
  })
  const elsewhere = (message: Message) => {
    const url = `https://elsewhere.test/${message.kind}`
    object.commit((context) => receive(context, { ...input(message), url }))
    return object.commit(renewalFacts)
  }
  const known = object.commit(renewalFacts)
  for (const message of [idle(DEVICE), tokenUpdate(DEVICE), report(DEVICE, 'Acknowledged', 'u')]) {
    expect(elsewhere(message)).toEqual(known)
  }
  queue(object, 'waits')
  elsewhere(idle(DEVICE))
  expect(elsewhere(report(DEVICE, 'Acknowledged', 'waits'))).toMatchObject({
    serverUrl: 'https://elsewhere.test/report',
    checkInUrl: 'https://mdm.test/checkin?site=1',
  })
  object.commit((context) => receive(context, input(idle(DEVICE))))
  expect(object.commit(renewalFacts)).toMatchObject({ serverUrl: 'https://elsewhere.test/report' })
  const changes = () => object.db().all<{ n: number }>('SELECT total_changes() AS n')[0]?.n
  const before = changes()
  object.commit((context) => receive(context, input(idle(DEVICE))))
  expect(changes()).toBe(before)
})

it('every message of a revoked identity is refused at once', () => {
  const object = new TestObject()
  say(object, authenticate)
  say(object, tokenUpdate(DEVICE))
  object.commit((context) => revokeIdentity(context, 'A'))
  for (const message of [idle(DEVICE), tokenUpdate(DEVICE), authenticate]) {
    expect(say(object, message)).toEqual({ kind: 'refused', reason: 'the certificate was revoked' })
  }
})

it('a device checks out together with its users: none of them is pushed afterwards', () => {
  const object = new TestObject()
  const pushable = (id: string) => object.commit((context) => pushTarget(context, id, '')).kind
  say(object, authenticate)
  for (const enrollment of [DEVICE, user('X'), user('Y')]) {
    say(object, tokenUpdate(enrollment))
  }
  say(object, checkIn('CheckOut', user('Y')))
  expect(['', 'X', 'Y'].map(pushable)).toEqual(['ready', 'ready', 'cannot'])
  say(object, checkIn('CheckOut', DEVICE))
  expect(['', 'X', 'Y'].map(pushable)).toEqual(['cannot', 'cannot', 'cannot'])
})

it('a device that never sent Authenticate is accepted only with TRUST_ON_FIRST_USE', () => {
  expect(say(new TestObject(), idle(DEVICE))).toMatchObject({ kind: 'accepted' })
  const object = new TestObject('UDID-1', { trustOnFirstUse: false })
  for (const message of [idle(DEVICE), tokenUpdate(DEVICE), idle(user('X'))]) {
    expect(say(object, message)).toMatchObject({ kind: 'refused' })
  }
  for (const message of [authenticate, tokenUpdate(DEVICE), idle(DEVICE)]) {
    expect(say(object, message)).toMatchObject({ kind: 'accepted' })
  }
})

it.each<[Enrollment['type'], Enrollment['type']]>([
  ['User', 'Device'],
  ['Shared iPad', 'Device'],
  ['User Enrollment', 'User Enrollment (Device)'],
])('the directory lists a device whose first message is of its %s as a %s', (type, expected) => {
  const object = new TestObject()
  say(object, idle({ ...user('X'), type }))
  expect(object.commit(directoryRow)).toMatchObject({ type: expected, enrolled: true })
})

it('a device that only connects is seen, and its row is announced and written no more', () => {
  const object = new TestObject()
  say(object, authenticate)
  say(object, tokenUpdate(DEVICE))
  say(object, idle(DEVICE))
  const version = () => object.commit(({ state }) => state.device.version)
  const before = version()
  object.now += 30 * 24 * HOUR
  const { now } = object
  const answer = say(object, idle(DEVICE))
  expect(answer).toMatchObject({ kind: 'accepted', seen: true })
  expect([version(), object.commit(viewDevice).lastSeen]).toEqual([before, now + 1])
})

it('a message that is repeated, and one of an enrolment that is kept, do not count as being seen', () => {
  const object = new TestObject()
  const digest = { digest: 'signed once' }
  expect(say(object, authenticate, 'A', digest)).toHaveProperty('seen', true)
  expect(say(object, authenticate, 'A', digest)).toMatchObject({ kind: 'accepted' })
  expect(say(object, authenticate, 'A', digest)).not.toHaveProperty('seen')
  say(object, tokenUpdate(DEVICE))
  enrol(object, 'B', 'another')
  expect(say(object, idle(DEVICE), 'A')).toMatchObject({ kind: 'accepted' })
  expect(say(object, idle(DEVICE), 'A')).not.toHaveProperty('seen')
  expect(say(object, idle(DEVICE), 'B')).toHaveProperty('seen', true)
})

it('an answer is one event, even if the device repeats it', () => {
  const object = new TestObject()
  const events = () => object.db().all("SELECT 1 FROM events WHERE topic = 'mdm.Connect'").length
  say(object, authenticate)
  queue(object, 'A')
  say(object, idle(DEVICE))
  const done = {
    kind: 'report',
    enrollment: DEVICE,
    status: 'Acknowledged',
    commandUUID: 'A',
  } as const
  const before = events()
  for (let times = 0; times < 3; times++) {
    expect(say(object, done)).toMatchObject({ kind: 'accepted' })
  }
  expect(events()).toBe(before + 1)
})

describe('a device that has a renewal profile to answer', () => {
  const ours = {
    uuid: 'ours',
    requestType: 'InstallProfile',
    payload: writePlist({
      Command: { Payload: writePlist({ PayloadContent: [{ PayloadType: 'com.apple.mdm' }] }) },
    }),
    secret: false,
    source: '',
  }
  const claim: Claim = { caKey: 'ca', subject: 'CN=device', notAfter: 1e15, issuedHere: true }

  /** Its next identity, B, was issued, and the profile was handed out. */
  function renewing(): TestObject {
    const object = new TestObject()
    say(object, authenticate)
    say(object, tokenUpdate(DEVICE))
    object.commit((context) => attemptRenewal(context, { kind: 'sent', command: ours }))
    say(object, idle(DEVICE))
    object.commit((context) =>
      renewIdentity(context, { previous: 'A', fingerprint: 'B', claim, byProfile: true }),
    )
    return object
  }

  it('enrols again with a certificate of another proof, even after messages of the renewed one', () => {
    const object = renewing()
    say(object, authenticate, 'B')
    say(object, tokenUpdate(DEVICE), 'B')
    queue(object, 'waiting')
    say(object, authenticate, 'C', { bound: { udid: true, serial: true } })
    expect(object.commit((context) => viewQueue(context, '', 0)).commands).toEqual([])
  })

  it('keeps the time of its renewal when it enrols again, so it takes no other’s place in a round', () => {
    const object = renewing()
    const at = object.commit(({ state }) => state.device.installed.renewal.at)
    say(object, authenticate, 'A')
    say(object, tokenUpdate(DEVICE), 'A')
    expect(object.commit(directoryRow)?.renewal).toMatchObject({ state: '', at })
    expect(at).toBeGreaterThan(0)
    // A certificate that it gets by SCEP does not make it due again either.
    object.commit((context) =>
      renewIdentity(context, { previous: 'A', fingerprint: 'N', claim, byProfile: false }),
    )
    say(object, idle(DEVICE), 'N')
    expect(object.commit(directoryRow)).toMatchObject({ identity: 'N', renewal: { at } })
  })

  it('is not renewed by a message that an older identity signed', () => {
    const object = renewing()
    say(object, idle(DEVICE), 'B')
    object.commit((context) =>
      attemptRenewal(context, { kind: 'sent', command: { ...ours, uuid: 'again' } }),
    )
    say(object, idle(DEVICE), 'A')
    const { identity, renewal } = object.commit(({ state }) => state.device.installed)
    expect({ identity, state: renewal.state }).toEqual({ identity: 'B', state: 'sent' })
  })
})
