import { describe, expect, it } from 'vitest'
import { offerDeclarations } from '../../../../src/device/declarations/offer.ts'
import { receive } from '../../../../src/device/enrolment/receive.ts'
import { channelOf } from '../../../../src/device/store/channels.ts'
import type { Offer } from '../../../../src/ddm/manifest/offer.ts'
import { readReport } from '../../../../src/ddm/status/report.ts'
import { enrolled, HOUR, MINUTE } from '../enrolled.ts'
import type { TestObject } from '../object.ts'
import { checkIn, DEVICE, say, tokenUpdate, user } from '../say.ts'

const OFFER: Offer = {
  revision: 1,
  items: [
    {
      identifier: 'ex.one',
      type: 'com.apple.configuration.management.test',
      token: 'a'.repeat(32),
      needs: {},
      assets: [],
      configurations: [],
      variables: [],
      files: [],
    },
  ],
  sets: [
    { name: 'all', rule: {}, items: [0] },
    { name: 'users', rule: { scope: 'user' }, items: [0] },
  ],
  members: {},
}

/** Takes an offer as the Worker hands it on. */
const offer = (object: TestObject) =>
  object.commit((context) => offerDeclarations(context, OFFER, { uuid: `${context.now}` }))

/** A status report of the device, and the object's answer. */
function report(object: TestObject, status: object, bytes?: number) {
  const text = JSON.stringify({ StatusItems: status })
  const data = new TextEncoder().encode(text)
  return object.commit((context) =>
    receive(context, {
      message: {
        kind: 'checkin',
        enrollment: DEVICE,
        messageType: 'DeclarativeManagement',
        endpoint: 'status',
        data: undefined,
      },
      body: new Uint8Array(),
      eventId: `${context.now}`,
      url: 'https://mdm.test/mdm',
      params: {},
      fingerprint: 'A',
      listeners: [],
      conflictListeners: [],
      deferredListeners: [],
      declares: {
        report: { reading: readReport(data), text, bytes: bytes ?? data.length },
        declarationListeners: [],
        statusListeners: [],
      },
    }),
  )
}

const os = (version: string) => ({ device: { 'operating-system': { version } } })
const isDue = (answer: ReturnType<typeof report>) => 'isOfferDue' in answer && answer.isOfferDue
const facts = (object: TestObject) => object.commit(({ state }) => state.device.facts)

describe('a device', () => {
  it('causes a bounded number of offers, and gets later what it did not get', () => {
    const object = enrolled()
    offer(object)
    let offers = 0
    for (let n = 0; n < 100; n++) {
      if (isDue(report(object, os(`26.${n}`)))) {
        offers += 1
        offer(object)
      }
    }
    expect(offers).toBeGreaterThan(10)
    expect(offers).toBeLessThanOrEqual(20)
    object.now += MINUTE
    expect(isDue(report(object, {}))).toBe(true)
    expect(isDue(report(object, {}))).toBe(false)
    object.now += HOUR
    expect(isDue(report(object, {}))).toBe(true)
  })

  it('has a short version, and changes nothing by a long one that it reports again', () => {
    const object = enrolled()
    offer(object)
    const text = `${'9'.repeat(63)}\u{1f600}`
    report(object, {
      device: { 'operating-system': { version: text, 'build-version': 'b'.repeat(50_000) } },
    })
    expect(facts(object).OSVersion).toBe(`${'9'.repeat(63)}\ufffd`)
    expect(facts(object).BuildVersion).toHaveLength(64)
    const version = () => object.commit(({ state }) => state.device.version)
    const before = version()
    report(object, { other: 1 })
    expect(version()).toBe(before)
  })

  it('is asked to come again with a report that its storage has no room for', () => {
    const object = enrolled()
    offer(object)
    expect(report(object, {}).kind).toBe('accepted')
    object.ballast = 600_000_000
    expect(report(object, {}, 2_000_000).kind).toBe('full')
  })
})

it('a user who signs out makes an offer due, and with it the end of its states', () => {
  const object = enrolled()
  say(object, tokenUpdate(user('BOB')))
  offer(object)
  const answer = say(object, { ...checkIn('CheckOut'), enrollment: user('BOB') } as never)
  expect(isDue(answer)).toBe(true)
  expect(offer(object)).toMatchObject({
    channels: [{ enrollment: 'UDID-1' }, { enrollment: 'UDID-1:ADA' }],
  })
})

it('a channel that is deleted leaves no declarations to the next of its number', () => {
  const object = enrolled()
  const rows = () => object.commit(({ db }) => db.all('SELECT channel FROM declarations'))
  say(object, tokenUpdate(user('BOB')))
  offer(object)
  expect(rows()).toHaveLength(3)
  // No command waits for the users any more.
  object.commit(({ db }) => {
    db.run('DELETE FROM commands')
  })
  object.evict()
  object.commit((context) => {
    for (let n = 0; n < 1100; n++) {
      channelOf(context, `u${n}`)
    }
  })
  expect(rows()).toEqual([{ channel: 0 }])
})

it('users without end get a bounded number of commands', () => {
  const object = enrolled()
  const waiting = () =>
    object.commit(({ db }) => db.all('SELECT DISTINCT id >> 40 FROM commands')).length
  for (let n = 0; n < 1700; n++) {
    say(object, tokenUpdate(user(`u${n}`)))
    if (n % 400 === 399) {
      offer(object)
    }
  }
  const before = waiting()
  expect(before).toBeGreaterThan(1000)
  for (let n = 0; n < 200; n++) {
    say(object, tokenUpdate(user(`v${n}`)))
  }
  offer(object)
  expect(waiting()).toBe(before)
})
