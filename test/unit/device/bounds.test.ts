import { describe, expect, it } from 'vitest'
import { archiveEscrow, readEscrow, storeEscrow } from '../../../src/device/store/escrow/tokens.ts'
import { listEscrow } from '../../../src/device/store/escrow/list.ts'
import { bindIdentity, renewIdentity } from '../../../src/device/enrolment/identity.ts'
import {
  reinstateIdentity,
  revokeIdentity,
  viewIdentities,
} from '../../../src/device/enrolment/revocation.ts'
import { storeFacts } from '../../../src/device/enrolment/device-information.ts'
import { pull } from '../../../src/device/outbox/read.ts'
import { appendCommand } from '../../../src/device/queue/enqueue.ts'
import { handOut } from '../../../src/device/queue/hand-out.ts'
import { receive } from '../../../src/device/enrolment/receive.ts'
import { channelOf } from '../../../src/device/store/channels.ts'
import { saveDevice } from '../../../src/device/store/rows/save.ts'
import { writePlist } from '../../../src/plist/write.ts'
import { TestObject } from './object.ts'

const claim = { caKey: 'ca', subject: 'CN=device', notAfter: 1e15, issuedHere: false }

/** A new enrolment, signed with a certificate of its own. */
function enroll(object: TestObject, fingerprint: string): void {
  object.commit((context) => {
    const { device } = context.state
    device.epoch += 1
    bindIdentity(context, fingerprint, claim, { what: 'bound', proof: 'challenge', digest: '' })
    device.installed.identity = fingerprint
    saveDevice(context)
  })
}

function standings(object: TestObject): Record<string, string> {
  object.evict()
  return Object.fromEntries(
    object.commit(viewIdentities).map(({ fingerprint, standing }) => [fingerprint, standing]),
  )
}

describe('the certificates of a device', () => {
  it('are twenty after any number of enrolments: the newest', () => {
    const object = new TestObject().enrolled()
    for (let n = 0; n < 60; n++) {
      enroll(object, `${n}`)
    }
    expect(Object.entries(standings(object))).toEqual([
      ...Array.from({ length: 19 }, (_, n) => [`${n + 40}`, 'earlier']),
      ['59', 'current'],
    ])
    expect(object.commit((context) => reinstateIdentity(context, '40'))).toBe(true)
    enroll(object, 'next')
    const ids = object.commit(({ state }) => state.identities.map(({ id }) => id))
    expect(ids.at(-1)).toBe(61)
    expect(new Set(ids).size).toBe(20)
  })

  it('are its own for the newest five renewals, and for the one that it signs with', () => {
    const object = new TestObject().enrolled()
    enroll(object, 'first')
    const renew = (n: number) =>
      object.commit((context) =>
        renewIdentity(context, { previous: 'first', fingerprint: `${n}`, claim, byProfile: true }),
      )
    for (let n = 0; n < 150; n++) {
      expect(renew(n)).toBe(true)
      if (n % 5 === 4) {
        // Five a day: what is issued is kept.
        expect(renew(1000)).toBe(false)
        object.now += 86_400_000
      }
    }
    const found = standings(object)
    const current = Object.keys(found).filter((fingerprint) => found[fingerprint] === 'current')
    expect(current.toSorted()).toEqual(['145', '146', '147', '148', '149', 'first'])
    expect(Object.keys(found)).toHaveLength(20)
    const { successors } = object.commit(({ state }) => state.device.installed)
    expect(successors).toEqual(['145', '146', '147', '148', '149'])
  })

  it('that were revoked are known until they have expired', () => {
    const object = new TestObject().enrolled()
    enroll(object, 'lost')
    enroll(object, 'old')
    object.commit((context) => {
      const old = context.state.identities.at(-1)
      if (old) {
        Object.assign(old, { notAfter: context.now + 5 })
        saveDevice(context)
      }
      revokeIdentity(context, 'lost')
      revokeIdentity(context, 'old')
    })
    for (let n = 0; n < 30; n++) {
      enroll(object, `${n}`)
    }
    const found = standings(object)
    expect(found).toMatchObject({ lost: 'revoked', 29: 'current' })
    expect(found).not.toHaveProperty('old')
    expect(Object.keys(found)).toHaveLength(20)
  })
})

describe('archived tokens', () => {
  const token = (kilobytes: number, n: number) => new Uint8Array(kilobytes * 1000).fill(n)
  const round = (object: TestObject, kilobytes: number, n: number) =>
    object.commit((context) => {
      storeEscrow(context, 'bootstrap_token', token(kilobytes, n))
      storeEscrow(context, 'unlock_token', token(kilobytes, n))
      archiveEscrow(context)
    })
  const numbers = (object: TestObject, kind: string) =>
    object
      .commit(listEscrow)
      .tokens.filter((one) => one.kind === kind)
      .map((one) => one.token)

  it('are five of a kind after any number of enrolments, and no number is given twice', () => {
    const object = new TestObject().enrolled()
    for (let n = 0; n < 60; n++) {
      round(object, 1, n)
    }
    expect(numbers(object, 'unlock_token')).toEqual([112, 114, 116, 118, 120])
    expect(numbers(object, 'bootstrap_token')).toEqual([111, 113, 115, 117, 119])
  })

  it('have two megabytes, and the newest stays', () => {
    const object = new TestObject().enrolled()
    for (let n = 0; n < 10; n++) {
      round(object, 490, n)
    }
    expect([...numbers(object, 'unlock_token'), ...numbers(object, 'bootstrap_token')]).toEqual([
      18, 20, 17, 19,
    ])
  })

  it('of unproven identities go first, and the last proven one never', () => {
    const object = new TestObject().enrolled()
    round(object, 1, 1)
    round(object, 1, 2)
    for (let n = 0; n < 10; n++) {
      object.commit((context) => {
        storeEscrow(context, 'unlock_token', token(490, n))
        context.db.run('UPDATE escrow SET proven = 0 WHERE archived_at = 0')
        archiveEscrow(context)
      })
    }
    expect(numbers(object, 'unlock_token')).toEqual([2, 4, 12, 13, 14])
    expect(numbers(object, 'bootstrap_token')).toEqual([1, 3])
    for (let n = 0; n < 5; n++) {
      round(object, 1, n)
    }
    expect(numbers(object, 'unlock_token')).toEqual([16, 18, 20, 22, 24])
  })

  it('of one kind do not push out the last of the other', () => {
    const object = new TestObject().enrolled()
    round(object, 1, 1)
    for (let n = 0; n < 6; n++) {
      object.commit((context) => {
        storeEscrow(context, 'bootstrap_token', token(490, n))
        archiveEscrow(context)
      })
    }
    expect(numbers(object, 'unlock_token')).toEqual([2])
    expect(numbers(object, 'bootstrap_token')).toHaveLength(4)
  })

  it('keep their numbers for the entries about them when they are deleted', () => {
    const object = new TestObject().enrolled()
    const reader = { who: 'ada', address: '', reason: 'ticket' }
    object.commit((context) => {
      storeEscrow(context, 'unlock_token', token(1, 1))
      readEscrow(context, 'unlock_token', undefined, reader)
      storeEscrow(context, 'unlock_token', new Uint8Array())
      storeEscrow(context, 'unlock_token', token(1, 2))
    })
    expect(object.commit(listEscrow)).toMatchObject({
      tokens: [{ token: 2 }],
      reads: [{ token: 1 }],
    })
  })
})

it('what a device tells of itself is cut to what lists show', () => {
  const object = new TestObject().enrolled()
  const result = writePlist({ QueryResponses: { DeviceName: 'x'.repeat(1_000_000) } })
  object.commit((context) => {
    storeFacts(context, result)
  })
  object.evict()
  expect(object.commit(({ state }) => state.device.facts.DeviceName)).toBe('x'.repeat(256))
})

it('what a device tells of itself is learnt around what is no text, and what is no string', () => {
  const object = new TestObject().enrolled()
  const facts = {
    DeviceName: '<string>a\u001bb</string>',
    OSVersion: '<real>26.1</real>',
    SerialNumber: '<string>S\u0001</string>',
    Model: '<string>Mac14,2</string>',
    IMEI: '<date>never</date>',
  }
  const entries = Object.entries(facts).map(([key, value]) => `<key>${key}</key>${value}`)
  const result = new TextEncoder().encode(
    `<plist><dict><key>QueryResponses</key><dict>${entries.join('')}</dict></dict></plist>`,
  )
  const before = object.commit(({ state }) => state.device.facts)
  object.commit((context) => {
    storeFacts(context, result)
  })
  expect(object.commit(({ state }) => state.device.facts)).toMatchObject({
    DeviceName: 'a�b',
    Model: 'Mac14,2',
    OSVersion: before.OSVersion,
    SerialNumber: before.SerialNumber,
  })
})

describe('a device that fills its storage', () => {
  const MB = 1_000_000
  const KEPT = { keepEvents: { count: 100, ms: 1e12 } }
  const report = (object: TestObject, listeners: string[], commandUUID = 'unknown') =>
    object.commit((context) => {
      const enrollment = { type: 'Device', device: object.name, user: '' } as const
      return receive(context, {
        message: { kind: 'report', enrollment, status: 'Acknowledged', commandUUID },
        body: new Uint8Array(MB).fill(context.now),
        eventId: `${context.now}`,
        url: 'https://mdm.test/mdm',
        params: {},
        fingerprint: 'A',
        claim,
        listeners,
        conflictListeners: [],
        deferredListeners: [],
      })
    }).kind
  const rows = (object: TestObject, table: string) =>
    object.db().all<{ n: number }>(`SELECT count(*) AS n FROM ${table}`)[0]?.n

  it('loses history, and goes on', () => {
    const object = new TestObject('UDID-1', KEPT).enrolled()
    for (const uuid of ['first', 'second', 'third']) {
      const command = { uuid, requestType: 'ProfileList', payload: new Uint8Array(1) }
      object.commit((context) =>
        appendCommand(context, channelOf(context, ''), { ...command, secret: false, source: '' }),
      )
      object.commit((context) => handOut(context, channelOf(context, '')))
      expect(report(object, [], uuid)).toBe('accepted')
    }
    expect(rows(object, 'events')).toBe(3)
    object.ballast = 494.5 * MB
    expect(report(object, [])).toBe('accepted')
    expect(rows(object, 'events')).toBe(2)
    expect(rows(object, 'commands WHERE result IS NOT NULL')).toBe(3)
    object.ballast = 498 * MB
    expect(report(object, [])).toBe('accepted')
    expect(object.effects.notes).toMatchObject([{ event: 'device:history-deleted' }, {}])
    expect(rows(object, 'commands WHERE result IS NOT NULL')).toBe(0)
  })

  it('waits while events are to be taken, of which none is lost', () => {
    const object = new TestObject('UDID-1', KEPT).enrolled()
    report(object, ['webhook'])
    report(object, ['webhook'])
    object.ballast = 498.5 * MB
    expect(report(object, ['webhook'])).toBe('full')
    expect(rows(object, 'events')).toBe(2)
    object.commit((context) =>
      pull(context, { subscriber: 'webhook', topics: [], passed: 2, read: false }),
    )
    expect(report(object, ['webhook'])).toBe('accepted')
    expect(rows(object, 'events')).toBe(2)
  })

  it('cannot keep dead letters beyond that', () => {
    const object = new TestObject('UDID-1', KEPT).enrolled()
    for (const passed of [1, 2]) {
      report(object, ['webhook'])
      const aside = [{ seq: passed, tries: 9, nextAt: null }]
      object.commit((context) =>
        pull(context, { subscriber: 'webhook', topics: [], passed, aside, read: false }),
      )
    }
    object.ballast = 498.5 * MB
    expect(report(object, ['webhook'])).toBe('accepted')
    expect([rows(object, 'events'), rows(object, 'aside')]).toEqual([2, 0])
  })
})
