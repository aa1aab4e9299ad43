import { describe, expect, it } from 'vitest'
import { dueTimes } from '../../../../src/device/runtime/alarm.ts'
import { retire } from '../../../../src/device/standing/leave.ts'
import { settleContest } from '../../../../src/device/standing/contest-end.ts'
import { readEscrow } from '../../../../src/device/store/escrow/tokens.ts'
import { releaseHeld } from '../../../../src/device/queue/held.ts'
import { reinstateIdentity } from '../../../../src/device/enrolment/revocation.ts'
import { keptTarget, pushTarget } from '../../../../src/device/push/decide.ts'
import type { DeviceAnswer } from '../../../../src/device/enrolment/message.ts'
import { restoreSuperseded } from '../../../../src/device/queue/restore-superseded.ts'
import { ENROLLMENT_CONTESTED } from '../../../../src/events/topics.ts'
import { channelOf } from '../../../../src/device/store/channels.ts'
import { TestObject } from '../object.ts'
import { DAY, HOUR, token } from '../enrolled.ts'
import {
  authenticate,
  authenticateAs,
  checkIn,
  DEVICE,
  idle,
  fates,
  probeIn,
  queue,
  report,
  say,
  setBootstrapToken,
  showLife,
  standings,
  tokenUpdate,
  user,
} from '../say.ts'

/** A is enrolled with a user, a token in escrow and pending commands; then B enrols with its id. */
function contested(): TestObject {
  const object = enrolled()
  say(object, authenticateAs('SERIAL'), 'B')
  say(object, tokenUpdate(DEVICE, { token: token(2) }), 'B')
  return object
}

function enrolled(): TestObject {
  const object = new TestObject()
  say(object, authenticateAs('SERIAL'))
  say(object, tokenUpdate(DEVICE, { token: token(1) }))
  say(object, tokenUpdate(user('ADA')))
  say(object, setBootstrapToken('of A'))
  queue(object, 'given', 'ProfileList')
  say(object, idle(DEVICE))
  queue(object, 'erase', 'EraseDevice')
  queue(object, 'waits', 'DeviceInformation')
  queue(object, 'for ada', 'ProfileList', { user: 'ADA' })
  return object
}

const text = (answer: DeviceAnswer): string =>
  answer.kind === 'accepted' ? new TextDecoder().decode(answer.reply) : answer.kind
const state = (object: TestObject) => object.commit((context) => context.state)

describe('a new identity that enrols with the id of an enrolled device', () => {
  it('is served, and gets no commands and no tokens in escrow from before', () => {
    const object = contested()
    expect(text(say(object, idle(DEVICE), 'B'))).toBe('')
    expect(text(say(object, idle(user('ADA')), 'B'))).toBe('')
    expect(text(say(object, checkIn('GetBootstrapToken'), 'B'))).not.toContain(
      Buffer.from('of A').toString('base64'),
    )
    expect(fates(object)).toMatchObject({
      given: 'held earlier',
      erase: 'held earlier',
      waits: 'held earlier',
      'for ada': 'held earlier',
    })
    queue(object, 'later')
    queue(object, 'secret', 'ProfileList', { secret: true })
    say(object, idle(DEVICE), 'B')
    expect(fates(object)).toMatchObject({ later: 'sent', secret: 'held contest' })
    expect(object.commit((context) => pushTarget(context, '', ''))).toMatchObject({
      target: { token: token(2) },
    })
  })

  it('causes one event with its certificate and the contest’s end, and a push of the other one', () => {
    const object = enrolled()
    say(object, authenticateAs('SERIAL'), 'B')
    expect([...object.effects.push]).toEqual([-1])
    expect(object.commit((context) => keptTarget(context, 1, ''))).toMatchObject({
      token: token(1),
    })
    const events = object
      .db()
      .all<{ about: string }>('SELECT about FROM events WHERE topic = ?', ENROLLMENT_CONTESTED)
      .map(({ about }) => JSON.parse(about))
    expect(events).toMatchObject([{ fingerprint: 'B', contestedUntil: object.now - 1 + 30 * DAY }])
  })

  it('causes a daily push of the other one until the end, and no more pushes if it enrols again', () => {
    const object = enrolled()
    say(object, authenticateAs('SERIAL'), 'B')
    for (const again of ['C', 'D', 'E']) {
      say(object, authenticateAs('SERIAL'), again)
      expect([...object.effects.push]).not.toContain(-1)
    }
    object.now += DAY
    object.commit(dueTimes)
    expect([...object.effects.push]).toContain(-1)
    expect(object.commit(dueTimes).next).toBeLessThanOrEqual(object.now + DAY)
  })

  it('counts as proven after 30 days: held commands go out, destructive ones stay held', () => {
    const object = contested()
    queue(object, 'secret', 'ProfileList', { secret: true })
    object.now += 30 * DAY
    object.commit(dueTimes)
    expect(standings(object)).toEqual(['A earlier first', 'B current time'])
    expect(fates(object)).toMatchObject({
      secret: 'queued',
      erase: 'held review',
      waits: 'superseded',
      given: 'superseded',
    })
    expect(say(object, idle(DEVICE))).toMatchObject({ kind: 'conflict' })
    expect(state(object).earlier).toEqual([])
    expect(object.db().all('SELECT 1 FROM parts')).toEqual([])
  })

  it('counts as proven after an hour if the other one never sent its TokenUpdate', () => {
    const object = new TestObject()
    say(object, authenticate)
    say(object, authenticate, 'B')
    say(object, tokenUpdate(DEVICE), 'B')
    object.now += HOUR
    say(object, idle(DEVICE), 'B')
    expect(standings(object)).toEqual(['A earlier first', 'B current time'])
  })

  it('counts as proven if an admin decides so, and superseded commands can be restored for a week', () => {
    const object = contested()
    object.commit((context) => settleContest(context, 'admin'))
    expect(standings(object)).toEqual(['A earlier first', 'B current admin'])
    expect(fates(object)['waits']).toBe('superseded')
    object.now += 7 * DAY - 100
    expect(object.commit((context) => restoreSuperseded(context, channelOf(context, '')))).toEqual({
      kind: 'requeued',
      requeued: 3,
    })
    expect(text(say(object, idle(DEVICE), 'B'))).not.toBe('')
    expect(fates(object)).toMatchObject({ given: 'sent', waits: 'queued' })
  })

  it('leaves no command to restore after a week', () => {
    const object = contested()
    object.commit((context) => settleContest(context, 'admin'))
    object.now += 7 * DAY
    expect(
      object.commit((context) => restoreSuperseded(context, channelOf(context, ''))),
    ).toMatchObject({
      requeued: 0,
    })
    queue(object, 'next')
    say(object, idle(DEVICE), 'B')
    say(object, report(DEVICE, 'Acknowledged', 'next'), 'B')
    expect(
      object.db().all("SELECT 1 FROM commands WHERE uuid = 'waits' AND payload IS NOT NULL"),
    ).toEqual([])
  })

  it('that checks out ends nothing else', () => {
    const object = contested()
    say(object, checkIn('CheckOut'), 'B')
    expect(state(object).device).toMatchObject({ state: 'enrolled', epoch: 1 })
    expect(standings(object)).toEqual(['A current first', 'B frozen'])
    expect(text(say(object, idle(DEVICE)))).not.toBe('')
  })

  it('gets commands that an admin releases', () => {
    const object = contested()
    object.commit((context) =>
      releaseHeld(context, channelOf(context, ''), { enrollment: 'UDID-1', n: 2 }),
    )
    expect(text(say(object, idle(DEVICE), 'B'))).not.toBe('')
    expect(fates(object)).toMatchObject({ erase: 'sent', waits: 'held earlier' })
  })
})

describe('the identity of the kept enrolment', () => {
  it('gets only a new DeviceInformation, and has its enrolment back after it acknowledges that', () => {
    const object = contested()
    queue(object, 'later')
    queue(object, 'secret', 'ProfileList', { secret: true })
    say(object, idle(DEVICE), 'B')
    say(object, setBootstrapToken('of B'), 'B')
    const first = say(object, idle(DEVICE))
    expect(probeIn(first)).not.toBe('')
    expect(probeIn(say(object, idle(DEVICE)))).toBe(probeIn(first))
    say(object, report(DEVICE, 'Acknowledged', probeIn(first)))
    expect(standings(object)).toEqual(['A current first', 'B frozen'])
    expect(fates(object)).toEqual({
      given: 'sent',
      erase: 'queued',
      waits: 'queued',
      'for ada': 'queued',
      later: 'queued',
      secret: 'queued',
    })
    expect(text(say(object, checkIn('GetBootstrapToken')))).toContain(
      Buffer.from('of A').toString('base64'),
    )
    for (const channel of ['', 'ADA']) {
      expect(object.commit((context) => pushTarget(context, channel, '')).kind).toBe('ready')
    }
    const { contest, epoch } = state(object).device
    expect({ contest, epoch }).toEqual({ contest: undefined, epoch: 1 })
  })

  it('freezes the other one, whose messages get empty answers and change nothing', () => {
    const object = contested()
    showLife(object)
    const changes = () => object.db().all<{ n: number }>('SELECT total_changes() AS n')[0]?.n
    const before = changes()
    for (const message of [
      authenticateAs('SERIAL'),
      tokenUpdate(DEVICE, { token: token(9) }),
      idle(DEVICE),
      setBootstrapToken('of B'),
      checkIn('GetBootstrapToken'),
      checkIn('CheckOut'),
    ]) {
      expect(say(object, message, 'B')).toMatchObject({ kind: 'accepted', frozen: true })
    }
    expect(changes()).toBe(before)
    expect(object.commit((context) => reinstateIdentity(context, 'B'))).toBe(true)
    expect(standings(object)).toEqual(['A current first', 'B current admin'])
  })

  it('decides nothing by an old message or a check-in', () => {
    const object = contested()
    for (const message of [
      idle(DEVICE),
      report(DEVICE, 'Acknowledged', 'given'),
      report(DEVICE, 'Acknowledged', 'waits'),
      report(user('ADA'), 'Idle'),
    ]) {
      expect(say(object, message)).toMatchObject({ kind: 'accepted' })
    }
    for (const message of [
      authenticateAs('SERIAL'),
      tokenUpdate(DEVICE),
      checkIn('CheckOut'),
      checkIn('GetBootstrapToken'),
    ]) {
      expect(say(object, message)).toMatchObject({ kind: 'conflict' })
    }
    expect(standings(object)).toEqual(['A earlier first', 'B current'])
    // It has carried out a command that it was given before the contest.
    expect(fates(object)).toMatchObject({ given: 'acknowledged', waits: 'held earlier' })
  })

  it('decides nothing by an error or NotNow, or after 30 days', () => {
    const object = contested()
    const probe = probeIn(say(object, idle(DEVICE)))
    say(object, report(DEVICE, 'NotNow', probe))
    say(object, report(DEVICE, 'Error', probe))
    expect(standings(object)).toEqual(['A earlier first', 'B current'])
    object.now += 30 * DAY
    say(object, report(DEVICE, 'Acknowledged', probe))
    expect(standings(object)).toEqual(['A earlier first', 'B current time'])
  })

  it('that answers NotNow is alive: the other one is proven only after 30 days without messages', () => {
    const object = contested()
    const probe = probeIn(say(object, idle(DEVICE)))
    object.now += 20 * DAY
    say(object, report(DEVICE, 'NotNow', probe))
    object.now += 30 * DAY - 100
    say(object, report(DEVICE, 'Acknowledged', probe))
    expect(standings(object)).toEqual(['A current first', 'B frozen'])
  })

  it('gets no DeviceInformation between the Authenticate and the TokenUpdate of a possible renewal', () => {
    const object = enrolled()
    queue(object, 'profile', 'InstallProfile')
    object.commit(({ state: { device } }) => {
      device.installed.mdmProfile = { uuid: 'profile', at: object.now }
    })
    say(object, authenticateAs('SERIAL'), 'B')
    expect(probeIn(say(object, idle(DEVICE)))).toBe('')
    say(object, tokenUpdate(DEVICE), 'B')
    expect(probeIn(say(object, idle(DEVICE)))).not.toBe('')
  })

  it('stays kept when others contest it one after the other', () => {
    const object = contested()
    for (const other of ['C', 'D', 'E', 'F', 'G', 'H']) {
      say(object, authenticateAs('SERIAL'), other)
    }
    expect(state(object).earlier).toHaveLength(5)
    showLife(object)
    expect(standings(object)[0]).toBe('A current first')
    expect(
      new Set(
        standings(object)
          .slice(1)
          .map((one) => one.slice(2)),
      ),
    ).toEqual(new Set(['frozen']))
    expect(state(object).device.contest).toBeUndefined()
    expect(fates(object)).toMatchObject({ waits: 'queued', given: 'sent' })
  })

  it('is the present one after an admin retires the device', () => {
    const object = contested()
    object.commit(retire)
    expect(state(object).device).toMatchObject({ state: 'checked_out', contest: undefined })
    expect(standings(object)).toEqual(['A current first', 'B frozen'])
  })

  it('has its tokens in escrow, which an admin can read in any case', () => {
    const object = contested()
    object.commit((context) => settleContest(context, 'time'))
    const reader = { who: 'ada', address: '', reason: 'locked out' }
    expect(
      object.commit((context) => readEscrow(context, 'bootstrap_token', 1, reader)),
    ).toMatchObject({ found: true, value: new TextEncoder().encode('of A') })
  })
})

describe('a repeated message', () => {
  const changes = (object: TestObject) =>
    object.db().all<{ n: number }>('SELECT total_changes() AS n')[0]?.n

  it('changes nothing, neither an Authenticate of this enrolment nor a CheckOut of an earlier one', () => {
    const object = new TestObject()
    say(object, authenticateAs('SERIAL'), 'A', { digest: 'first' })
    say(object, tokenUpdate(DEVICE))
    queue(object, 'waits')
    const before = changes(object)
    expect(say(object, authenticateAs('SERIAL'), 'A', { digest: 'first' })).toMatchObject({
      kind: 'accepted',
    })
    expect(changes(object)).toBe(before)
    say(object, checkIn('CheckOut'), 'A', { digest: 'leaves' })
    expect(state(object).device.state).toBe('checked_out')
    say(object, authenticateAs('SERIAL'), 'A', { digest: 'second' })
    say(object, tokenUpdate(DEVICE))
    say(object, checkIn('CheckOut'), 'A', { digest: 'leaves' })
    expect(state(object).device.state).toBe('enrolled')
  })

  it('changes nothing if its identity is an earlier one now', () => {
    const object = new TestObject()
    say(object, authenticateAs('SERIAL'), 'A', { digest: 'first' })
    say(object, tokenUpdate(DEVICE))
    say(object, authenticateAs('SERIAL'), 'B', { bound: { udid: true, serial: true } })
    say(object, tokenUpdate(DEVICE), 'B')
    const before = changes(object)
    say(object, authenticateAs('SERIAL'), 'A', { digest: 'first' })
    expect(changes(object)).toBe(before)
    // A new message may be late: it is contested, like that of a stranger.
    say(object, authenticateAs('SERIAL'), 'A', { digest: 'late' })
    expect(state(object).device.contest).toBeDefined()
    expect(standings(object)).toEqual(['A current', 'B earlier challenge'])
  })
})

it('an enrolment interrupted before its first TokenUpdate can be pushed after it, and comes back', () => {
  const object = new TestObject()
  say(object, authenticate)
  say(object, authenticate, 'B')
  expect(say(object, tokenUpdate(DEVICE, { token: token(1) }))).toMatchObject({ kind: 'accepted' })
  expect([...object.effects.push]).toEqual([-1])
  // Only the first one: a replayed one could replace the token.
  expect(say(object, tokenUpdate(DEVICE, { token: token(9) }))).toMatchObject({ kind: 'conflict' })
  showLife(object)
  expect(standings(object)).toEqual(['A current first', 'B frozen'])
  expect(object.commit((context) => pushTarget(context, '', ''))).toMatchObject({
    target: { token: token(1) },
  })
})
