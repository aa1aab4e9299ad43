import { expect, it } from 'vitest'
import type { Enrollment } from '../../../src/mdm/enrollment.ts'
import type { CheckIn, Message } from '../../../src/mdm/message.ts'
import { IDENTITY_CONFLICT } from '../../../src/events/topics.ts'
import { NO_FACTS } from '../../../src/mdm/message.ts'
import { revoke } from '../../../src/device/identity.ts'
import { receive, type DeviceAnswer } from '../../../src/device/receive.ts'
import { renewalFacts } from '../../../src/device/renewing.ts'
import { TestObject } from './object.ts'

const DEVICE: Enrollment = { type: 'Device', device: 'UDID-1', user: '' }
const user = (id: string): Enrollment => ({ type: 'User', device: 'UDID-1', user: id })
const idle = (enrollment: Enrollment): Message => ({
  kind: 'report',
  enrollment,
  status: 'Idle',
  commandUUID: undefined,
})
const authenticate: CheckIn = {
  kind: 'checkin',
  enrollment: DEVICE,
  messageType: 'Authenticate',
  topic: 'topic',
  facts: NO_FACTS,
}
const tokenUpdate = (enrollment: Enrollment): Message => ({
  kind: 'checkin',
  enrollment,
  messageType: 'TokenUpdate',
  topic: 'topic',
  token: new Uint8Array(32),
  pushMagic: 'magic',
  unlockToken: undefined,
  awaitingConfiguration: undefined,
  userShortName: '',
  userLongName: '',
})

/** The object's answer to a message signed by `fingerprint`, whose chain the Worker found good. */
function say(object: TestObject, message: Message, fingerprint = 'A'): DeviceAnswer {
  return object.commit((context) =>
    receive(context, {
      message,
      body: new Uint8Array([1]),
      eventId: crypto.randomUUID(),
      url: 'https://mdm.test/mdm/connect',
      params: {},
      fingerprint,
      claim: { caKey: 'ca', subject: 'CN=device', notAfter: 1e15 },
      listeners: [],
      conflictListeners: ['webhook'],
      deferredListeners: [],
    }),
  )
}

it('keeps users apart who were first heard of by an Idle, when memory goes', () => {
  const object = new TestObject()
  say(object, authenticate)
  say(object, tokenUpdate(DEVICE))
  expect(say(object, idle(user('X')))).toMatchObject({ kind: 'accepted', alias: 'X' })
  say(object, tokenUpdate(user('Y')))
  object.evict()
  expect(say(object, idle(user('X')))).toMatchObject({ kind: 'accepted' })
  expect(say(object, idle(user('Y')))).toMatchObject({ kind: 'accepted' })
  expect(say(object, authenticate)).toMatchObject({ kind: 'accepted' })
})

it('tells of an identity of an earlier enrolment once, and once more after it was current again', () => {
  const object = new TestObject()
  const conflicts = () =>
    object
      .db()
      .all<{ about: string }>('SELECT about FROM events WHERE topic = ?', IDENTITY_CONFLICT)
      .map(({ about }) => JSON.parse(about)['fingerprint'])
  say(object, authenticate, 'A')
  say(object, tokenUpdate(DEVICE), 'A')
  say(object, authenticate, 'B')
  expect(say(object, idle(DEVICE), 'A')).toMatchObject({ kind: 'conflict' })
  expect(say(object, idle(DEVICE), 'A')).toMatchObject({ kind: 'conflict' })
  expect(conflicts()).toEqual(['A'])
  say(object, tokenUpdate(DEVICE), 'B')
  say(object, authenticate, 'A')
  say(object, tokenUpdate(DEVICE), 'A')
  say(object, authenticate, 'C')
  expect(say(object, idle(DEVICE), 'A')).toMatchObject({ kind: 'conflict' })
  expect(conflicts()).toEqual(['A', 'A'])
})

it('serves a device whose identity has expired, and learns where it calls without writing twice', () => {
  const object = new TestObject()
  const expired = { caKey: 'ca', subject: 'CN=device', notAfter: 1 }
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
  const changes = () => object.db().all<{ n: number }>('SELECT total_changes() AS n')[0]?.n
  const before = changes()
  object.commit((context) => receive(context, input(idle(DEVICE))))
  expect(changes()).toBe(before)
})

it('refuses a revoked identity at once, whatever it sends', () => {
  const object = new TestObject()
  say(object, authenticate)
  say(object, tokenUpdate(DEVICE))
  object.commit((context) => revoke(context, 'A'))
  for (const message of [idle(DEVICE), tokenUpdate(DEVICE), authenticate]) {
    expect(say(object, message)).toEqual({ kind: 'refused', reason: 'the certificate was revoked' })
  }
})
