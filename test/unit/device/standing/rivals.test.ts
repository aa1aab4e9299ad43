/** Several unproven identities claim one device, and none of them may harm it. */
import { describe, expect, it } from 'vitest'
import { dueTimes } from '../../../../src/device/runtime/alarm.ts'
import { settleContest } from '../../../../src/device/standing/contest-end.ts'
import { listEscrow } from '../../../../src/device/store/escrow/list.ts'
import { releaseHeld } from '../../../../src/device/queue/held.ts'
import { reinstateIdentity } from '../../../../src/device/enrolment/revocation.ts'
import { keptTarget, pushTarget } from '../../../../src/device/push/decide.ts'
import {
  contest,
  DAY,
  enrol,
  enrolled,
  HOUR,
  MDM_PROFILE,
  MINUTE,
  SECRET,
  token,
} from '../enrolled.ts'
import { channelOf } from '../../../../src/device/store/channels.ts'
import { TestObject } from '../object.ts'
import {
  authenticateAs,
  checkIn,
  DEVICE,
  fates,
  idle,
  probeIn,
  queue,
  report,
  say,
  showLife,
  standings,
  tokenUpdate,
  user,
} from '../say.ts'

describe('an EraseDevice', () => {
  it('of an ended enrolment is not released by a later contest', () => {
    const object = enrolled()
    queue(object, 'erase', 'EraseDevice', SECRET)
    say(object, idle(DEVICE))
    enrol(object, 'N')
    object.commit((context) => settleContest(context, 'admin'))
    for (const ends of ['left', 'probe']) {
      object.now += DAY
      say(object, authenticateAs('SERIAL'), ends)
      if (ends === 'left') {
        say(object, checkIn('CheckOut'), ends)
      } else {
        showLife(object, 'N')
      }
      say(object, idle(DEVICE), 'N')
      expect(fates(object)).toEqual({ erase: 'held review' })
    }
  })

  it('that was queued or released for a contested enrolment does not go to another one by itself', () => {
    const object = enrolled()
    enrol(object, 'B')
    queue(object, 'released', 'EraseDevice', SECRET)
    queue(object, 'queued', 'EraseDevice', SECRET)
    object.commit((context) =>
      releaseHeld(context, channelOf(context, ''), { enrollment: 'UDID-1', n: 1 }),
    )
    say(object, idle(DEVICE), 'B')
    expect(fates(object)).toEqual({ released: 'sent', queued: 'held contest' })
    showLife(object, 'A')
    expect(fates(object)).toEqual({ released: 'held review', queued: 'held review' })
  })
})

describe('a command that is held for a contest', () => {
  it.each(['leaves', 'shows life', 'is decided against'])(
    'stays held when another unproven enrolment begins and %s',
    (how) => {
      const object = enrolled()
      enrol(object, 'B')
      queue(object, 'secret', 'InstallProfile', SECRET)
      enrol(object, 'C')
      if (how === 'leaves') {
        say(object, checkIn('CheckOut'), 'C')
      } else if (how === 'shows life') {
        showLife(object, 'B')
      } else {
        object.commit((context) => settleContest(context, 'admin_earlier'))
        expect(standings(object)).toEqual(['A current first', 'B frozen', 'C frozen'])
        return
      }
      say(object, idle(DEVICE), 'B')
      expect(fates(object)).toEqual({ secret: 'held contest' })
      expect(contest(object)).toBeDefined()
      showLife(object, 'A')
      say(object, idle(DEVICE))
      expect(fates(object)).toEqual({ secret: 'sent' })
    },
  )

  it('may be from before the first enrolment was complete, and goes to the proven one', () => {
    const object = new TestObject()
    say(object, authenticateAs('S'), 'A')
    queue(object, 'secret', 'InstallProfile', SECRET)
    queue(object, 'plain')
    enrol(object, 'B', 'S')
    say(object, idle(DEVICE), 'B')
    expect(fates(object)).toEqual({ secret: 'held contest', plain: 'sent' })
  })

  it('is each pending command if the incomplete enrolment is proven', () => {
    const object = new TestObject()
    say(object, authenticateAs('S'), 'A', { bound: { udid: true, serial: true } })
    queue(object, 'plain')
    enrol(object, 'B', 'S')
    object.now += HOUR
    object.commit(dueTimes)
    say(object, idle(DEVICE), 'B')
    expect(fates(object)).toEqual({ plain: 'held earlier' })
    say(object, tokenUpdate(DEVICE), 'A')
    showLife(object, 'A')
    expect(standings(object)).toEqual(['A current challenge', 'B frozen'])
  })
})

describe('a challenge that is bound to a serial number', () => {
  const bound = { udid: false, serial: true }

  it('proves only the serial number that was known before any contest', () => {
    const object = enrolled()
    queue(object, 'waits')
    enrol(object, 'B', 'EVIL')
    say(object, authenticateAs('EVIL'), 'C', { bound })
    expect(contest(object)).toBeDefined()
    say(object, authenticateAs('SERIAL'), 'N', { bound })
    expect(contest(object)).toBeUndefined()
    expect(standings(object).at(-1)).toBe('N current challenge')
  })
})

describe('a device that was adopted', () => {
  it('is kept and pushed for 30 days like one that enrolled, and loses nothing', () => {
    const object = new TestObject()
    say(object, idle(DEVICE), 'A')
    say(object, tokenUpdate(DEVICE, { token: token(1) }), 'A')
    queue(object, 'secret', 'InstallProfile', SECRET)
    enrol(object, 'B')
    const pushed = [...object.effects.push]
    expect(fates(object)).toEqual({ secret: 'held earlier' })
    object.now += HOUR
    object.commit(dueTimes)
    expect(contest(object)).toBeDefined()
    expect(pushed).not.toContain(0)
    expect(object.commit((context) => keptTarget(context, 1, ''))).toMatchObject({
      token: token(1),
    })
    showLife(object, 'A')
    expect(standings(object)).toEqual(['A current adopted', 'B frozen'])
  })

  it('without a push token is kept too', () => {
    const object = new TestObject()
    say(object, idle(DEVICE), 'A')
    queue(object, 'secret', 'InstallProfile', SECRET)
    enrol(object, 'B')
    object.now += HOUR
    object.commit(dueTimes)
    expect(fates(object)).toEqual({ secret: 'held earlier' })
    showLife(object, 'A')
    expect(standings(object)[0]).toBe('A current adopted')
  })
})

describe('a wiped device that enrolled again by hand', () => {
  it('is not locked out by many later enrolments', () => {
    const object = enrolled()
    enrol(object, 'N')
    for (let n = 0; n < 30; n++) {
      enrol(object, `${n} E`)
      object.now += MINUTE
      if (n % 4 === 3) {
        // It is pushed when another one replaces it, and connects.
        showLife(object, 'N')
      }
    }
    showLife(object, 'N')
    expect(standings(object)).toContain('N current')
    say(object, idle(DEVICE), 'N')
  })

  it('is not frozen by an unproven one, earlier or later: the one that connects is served', () => {
    const object = enrolled()
    enrol(object, 'B')
    enrol(object, 'N')
    for (const who of ['B', 'N', 'B', 'N']) {
      showLife(object, who)
      expect(standings(object)).toContain(`${who} current`)
      expect(object.commit((context) => pushTarget(context, '', ''))).toMatchObject({
        target: { token: token(who.charCodeAt(0)) },
      })
    }
    // Time proves neither of them while both connect.
    object.now += 20 * DAY
    showLife(object, 'B')
    object.now += 20 * DAY
    showLife(object, 'N')
    expect(contest(object)).toBeDefined()
    // An admin reinstates the certificate of the device.
    object.commit((context) => reinstateIdentity(context, 'N'))
    expect(standings(object)).toEqual(['A earlier first', 'B earlier', 'N current admin'])
    expect(contest(object)).toBeUndefined()
  })

  it('is the device if an admin reinstates it while another one is served', () => {
    const object = enrolled()
    enrol(object, 'N')
    enrol(object, 'E')
    object.commit((context) => reinstateIdentity(context, 'N'))
    expect(standings(object)).toEqual(['A earlier first', 'N current admin', 'E earlier'])
  })
})

describe('a rival', () => {
  it('answers no command of the device, though it knows the CommandUUID of a job', () => {
    const object = enrolled()
    queue(object, 'job', 'SecurityInfo', { source: 'job/1' })
    say(object, idle(DEVICE))
    enrol(object, 'B')
    enrol(object, 'C')
    say(object, report(DEVICE, 'Acknowledged', 'job'), 'B')
    expect(fates(object)).toEqual({ job: 'held earlier' })
  })

  it('proves no renewal by a CommandUUID that a client chose', () => {
    const object = enrolled()
    queue(object, 'chosen', 'InstallProfile', { payload: MDM_PROFILE, source: 'given' })
    say(object, idle(DEVICE))
    enrol(object, 'B')
    say(object, report(DEVICE, 'Acknowledged', 'chosen'), 'B')
    expect(standings(object)).toEqual(['A earlier first', 'B current'])
  })

  it('delays a renewing device by minutes, and does not freeze one that still uses its old identity', () => {
    const object = enrolled()
    queue(object, 'profile', 'InstallProfile', { payload: MDM_PROFILE })
    say(object, idle(DEVICE))
    say(object, authenticateAs('SERIAL'), 'B')
    expect(probeIn(say(object, idle(DEVICE)))).toBe('')
    object.now += 5 * MINUTE
    expect(probeIn(say(object, idle(DEVICE)))).not.toBe('')
    // The answer to a report is empty: a probe is sent only when a round begins.
    expect(probeIn(say(object, report(DEVICE, 'Acknowledged', 'profile')))).toBe('')
  })

  it('with five hundred users removes no user of the device', () => {
    const object = enrolled()
    enrol(object, 'B')
    for (let n = 0; n < 600; n++) {
      say(object, tokenUpdate(user(`user ${n}`)), 'B')
    }
    showLife(object, 'A')
    expect(object.commit((context) => pushTarget(context, 'ADA', '')).kind).toBe('ready')
    expect(object.commit((context) => pushTarget(context, 'user 599', '')).kind).toBe('cannot')
  })
})

describe('an enrolment that another one interrupts', () => {
  it('keeps everything from its first TokenUpdate', () => {
    const object = new TestObject()
    say(object, authenticateAs('S'))
    say(object, authenticateAs('S'), 'B')
    say(object, tokenUpdate(DEVICE, { unlockToken: token(7), awaitingConfiguration: true }))
    showLife(object, 'A')
    const [own] = object.commit(({ state }) => state.channels)
    expect(own).toMatchObject({ awaitingConfiguration: true, tally: 1 })
    expect(object.commit(listEscrow).tokens).toMatchObject([
      { kind: 'unlock_token', archivedAt: 0 },
    ])
  })

  it('may be tried again and again within the hour, and gets the commands that waited for the id', () => {
    const object = new TestObject()
    queue(object, 'waits')
    for (const who of ['A', 'B', 'C']) {
      say(object, authenticateAs('S'), who)
    }
    say(object, tokenUpdate(DEVICE), 'C')
    say(object, idle(DEVICE), 'C')
    expect(fates(object)).toEqual({ waits: 'sent' })
    object.now += HOUR
    object.commit(dueTimes)
    expect(standings(object).at(-1)).toBe('C current time')
  })
})
