/** The ends of a contest, and that a stranger gains nothing by one. */
import { describe, expect, it } from 'vitest'
import { dueTimes } from '../../../../src/device/runtime/alarm.ts'
import { block } from '../../../../src/device/standing/block.ts'
import { proveSerial } from '../../../../src/device/standing/prove-serial.ts'
import { retire } from '../../../../src/device/standing/leave.ts'
import { restoreSuperseded } from '../../../../src/device/queue/restore-superseded.ts'
import { settleContest } from '../../../../src/device/standing/contest-end.ts'
import { releaseHeld } from '../../../../src/device/queue/held.ts'
import { reinstateIdentity, revokeIdentity } from '../../../../src/device/enrolment/revocation.ts'
import { saveChannel } from '../../../../src/device/store/rows/save.ts'
import { pushTarget } from '../../../../src/device/push/decide.ts'
import { contest, DAY, enrol, enrolled, HOUR, MDM_PROFILE, SECRET } from '../enrolled.ts'
import { channelOf } from '../../../../src/device/store/channels.ts'
import { TestObject } from '../object.ts'
import {
  authenticateAs,
  checkIn,
  DEVICE,
  fates,
  idle,
  queue,
  report,
  say,
  setBootstrapToken,
  showLife,
  standings,
  tokenUpdate,
  user,
} from '../say.ts'

describe('a contest', () => {
  it('has no winner because another enrolment was dropped', () => {
    const object = enrolled()
    queue(object, 'secret', 'InstallProfile', SECRET)
    for (const who of ['E2', 'E3', 'E4', 'E5', 'E6', 'E7']) {
      say(object, authenticateAs('SERIAL'), who)
    }
    showLife(object, 'E3')
    say(object, tokenUpdate(DEVICE), 'E3')
    say(object, checkIn('CheckOut'), 'E3')
    expect(contest(object)).toBeDefined()
    expect(fates(object)).toEqual({ secret: 'held earlier' })
    showLife(object, 'A')
    expect(standings(object)[0]).toBe('A current first')
  })

  it('that an admin decides as a renewal joins only one of the rivals', () => {
    const object = enrolled()
    enrol(object, 'B')
    enrol(object, 'N')
    object.commit((context) => settleContest(context, 'admin_renewal'))
    expect(standings(object)).toEqual(['A current first', 'B frozen', 'N current admin_renewal'])
    expect(contest(object)).toBeUndefined()
  })

  it('gives no EraseDevice of one contested enrolment to the next', () => {
    const object = enrolled()
    say(object, authenticateAs('SERIAL'), 'B')
    queue(object, 'erase', 'EraseDevice', SECRET)
    enrol(object, 'N')
    object.commit((context) => settleContest(context, 'admin'))
    expect(fates(object)).toEqual({ erase: 'held review' })
  })

  it('is not won by the CheckOut of an unknown certificate with UDID_CERT_AUTH_WARN_ONLY', () => {
    const object = new TestObject('UDID-1', { udidCertAuthWarnOnly: true })
    enrol(object, 'A')
    enrol(object, 'B')
    say(object, checkIn('CheckOut'), 'X')
    expect(standings(object)).toEqual(['A current first', 'B frozen'])
    expect(object.commit(({ state }) => state.device.state)).toBe('enrolled')
  })

  it('keeps the channels of hundreds of users, and ends no user’s claim by their CheckOuts', () => {
    const object = enrolled()
    for (let n = 0; n < 400; n++) {
      const long = { token: new Uint8Array(1000), topic: '中'.repeat(300) }
      say(object, { ...tokenUpdate(user(`user ${n}`), long), topic: long.topic } as never)
    }
    enrol(object, 'B')
    const [row] = object
      .db()
      .all<{ bytes: number }>(
        "SELECT max(length(bytes)) AS bytes FROM parts WHERE body = 'earlier'",
      )
    expect(row?.bytes).toBeLessThan(1_100_000)
    say(object, checkIn('CheckOut', user('ADA')), 'B')
    showLife(object, 'A')
    const users = object.commit(({ state }) => state.channels)
    expect(users.filter(({ enabled }) => enabled)).toHaveLength(402)
    expect(users.find((one) => one.user === 'ADA')?.claim).toBe('wanted')
  })

  it('does not push the device more often if it ends and begins again', () => {
    const object = enrolled()
    enrol(object, 'B')
    showLife(object, 'A')
    say(object, authenticateAs('SERIAL'), 'C')
    expect([...object.effects.push].filter((id) => id < 0)).toEqual([])
  })
})

it('a restored destructive command waits for an admin’s release', () => {
  const object = enrolled()
  queue(object, 'erase', 'EraseDevice', SECRET)
  say(object, idle(DEVICE))
  say(object, authenticateAs('SERIAL'), 'N', { bound: { udid: true, serial: true } })
  expect(fates(object)).toEqual({ erase: 'superseded' })
  object.commit((context) => restoreSuperseded(context, channelOf(context, '')))
  expect(fates(object)).toEqual({ erase: 'held review' })
})

it('an admin cannot confirm a serial number during a contest', () => {
  const object = enrolled()
  enrol(object, 'B')
  expect(object.commit((context) => proveSerial(context, 'SERIAL', true)).kind).toBe('contested')
})

describe('a renewal', () => {
  const profile = { payload: MDM_PROFILE, secret: true }

  it('is not proven by a CommandUUID that the unproven enrolment was given itself', () => {
    const object = enrolled()
    queue(object, 'secret', 'InstallProfile', SECRET)
    enrol(object, 'B')
    queue(object, 'profile', 'InstallProfile', profile)
    object.commit((context) =>
      releaseHeld(context, channelOf(context, ''), { enrollment: 'UDID-1', n: 2 }),
    )
    say(object, idle(DEVICE), 'B')
    expect(fates(object)).toEqual({ secret: 'held earlier', profile: 'sent' })
    // The device gets the same one later.
    showLife(object, 'A')
    say(object, idle(DEVICE))
    say(object, report(DEVICE, 'Acknowledged', 'secret'))
    expect(fates(object)['profile']).toBe('sent')
    enrol(object, 'C')
    say(object, report(DEVICE, 'Acknowledged', 'profile'), 'C')
    expect(standings(object).at(-1)).toBe('C current')
  })

  it('is proven even if another one begins between its Authenticate and its acknowledgement', () => {
    const object = enrolled()
    queue(object, 'profile', 'InstallProfile', profile)
    queue(object, 'waits')
    say(object, idle(DEVICE))
    say(object, authenticateAs('SERIAL'), 'N')
    say(object, authenticateAs('SERIAL'), 'B')
    say(object, tokenUpdate(DEVICE), 'N')
    say(object, report(DEVICE, 'Acknowledged', 'profile'), 'N')
    expect(standings(object)).toEqual(['A current first', 'N current profile', 'B frozen'])
    expect(fates(object)).toEqual({ profile: 'acknowledged', waits: 'queued' })
  })

  it('that is still open is decided for the known identity when another one enrols', () => {
    const object = enrolled()
    queue(object, 'profile', 'InstallProfile', profile)
    say(object, idle(DEVICE))
    say(object, authenticateAs('SERIAL'), 'A')
    say(object, tokenUpdate(DEVICE))
    expect(contest(object)).toBeDefined()
    enrol(object, 'B')
    showLife(object, 'A')
    expect(standings(object)).toEqual(['A current first', 'B frozen'])
    expect(contest(object)).toBeUndefined()
  })
})

describe('an action of an admin in a contest', () => {
  it('that revokes the rival ends it', () => {
    const object = enrolled()
    enrol(object, 'B')
    object.commit((context) => revokeIdentity(context, 'B'))
    expect(contest(object)).toBeUndefined()
    expect(standings(object)).toEqual(['A current first', 'B revoked'])
  })

  it('that revokes a kept one does not end the contest of the others', () => {
    const object = enrolled()
    enrol(object, 'B')
    enrol(object, 'C')
    showLife(object, 'B')
    object.commit((context) => revokeIdentity(context, 'C'))
    for (const who of ['D', 'E']) {
      enrol(object, who)
    }
    expect(standings(object).at(-1)).toBe('E current')
  })

  it('that retires the device proves no enrolment', () => {
    const object = enrolled()
    enrol(object, 'B')
    queue(object, 'secret', 'InstallProfile', SECRET)
    object.commit(retire)
    expect(standings(object)).toEqual(['A current first', 'B frozen'])
    expect(say(object, idle(DEVICE), 'B')).toMatchObject({ frozen: true })
  })

  it('that reinstates a frozen certificate ends it and freezes the rival', () => {
    const object = enrolled()
    enrol(object, 'N')
    showLife(object, 'A')
    enrol(object, 'B')
    object.commit((context) => reinstateIdentity(context, 'N'))
    expect(standings(object)).toEqual(['A earlier first', 'N current admin', 'B frozen'])
    expect(object.commit((context) => pushTarget(context, '', '')).kind).toBe('cannot')
  })

  it('that releases all commands does not release those of the contest', () => {
    const object = enrolled()
    queue(object, 'erase', 'EraseDevice', SECRET)
    enrol(object, 'B')
    queue(object, 'secret', 'InstallProfile', SECRET)
    object.commit((context) => releaseHeld(context, channelOf(context, ''), undefined))
    expect(fates(object)).toEqual({ erase: 'held earlier', secret: 'held contest' })
  })
})

describe('a command that came with a moved fleet', () => {
  const releaseAll = (object: TestObject) =>
    object.commit((context) => releaseHeld(context, channelOf(context, ''), undefined))

  function moved(): TestObject {
    const object = enrolled()
    queue(object, 'profile', 'InstallProfile', { ...SECRET, heldFor: 'moved' })
    queue(object, 'erase', 'EraseDevice', { ...SECRET, heldFor: 'moved' })
    enrol(object, 'B')
    return object
  }
  const untouched = { profile: 'held moved', erase: 'held moved' }

  it.each(['admin', 'admin_renewal', 'admin_earlier'] as const)(
    'stays held during a contest and after it is decided by %s',
    (proof) => {
      const object = moved()
      expect(releaseAll(object)).toEqual({ kind: 'released', released: 0, held: 2 })
      expect(fates(object)).toEqual(untouched)
      object.commit((context) => settleContest(context, proof))
      expect(fates(object)).toEqual(untouched)
      expect(releaseAll(object)).toEqual({ kind: 'released', released: 1, held: 1 })
      expect(fates(object)).toEqual({ profile: 'queued', erase: 'held moved' })
    },
  )

  it('that an admin released is kept from a rival, and held for review if it is destructive', () => {
    const object = moved()
    for (const n of [1, 2]) {
      object.commit((context) =>
        releaseHeld(context, channelOf(context, ''), { enrollment: 'UDID-1', n }),
      )
    }
    expect(fates(object)).toEqual({ profile: 'queued', erase: 'queued' })
    enrol(object, 'C')
    expect(fates(object)).toEqual({ profile: 'held contest', erase: 'held review' })
  })

  it.each(['RemoveProfile', 'ClearPasscode', 'DeviceLock', 'erasedevice '])(
    'of type %s is released by its own id only',
    (type) => {
      const object = enrolled()
      queue(object, 'one', type, { heldFor: 'moved' })
      expect(releaseAll(object)).toEqual({ kind: 'released', released: 0, held: 1 })
      expect(
        object.commit((context) =>
          releaseHeld(context, channelOf(context, ''), { enrollment: 'UDID-1', n: 1 }),
        ),
      ).toEqual({ kind: 'released', released: 1, held: 0 })
      expect(fates(object)).toEqual({ one: 'queued' })
    },
  )
})

describe('a stranger that stays', () => {
  it('does not win by time if it never sent its TokenUpdate', () => {
    const object = enrolled()
    queue(object, 'waits')
    say(object, authenticateAs('SERIAL'), 'B')
    object.now += 30 * DAY
    object.commit(dueTimes)
    expect(standings(object)).toEqual(['A current first', 'B frozen'])
    expect(fates(object)).toEqual({ waits: 'queued' })
  })

  it('does not win after an hour if the device sends its TokenUpdate meanwhile', () => {
    const object = new TestObject()
    say(object, authenticateAs('S'))
    enrol(object, 'B', 'S')
    say(object, tokenUpdate(DEVICE))
    object.now += HOUR
    object.commit(dueTimes)
    expect(contest(object)).toBeDefined()
  })

  it('loses the others neither tokens in escrow nor answers', () => {
    const object = enrolled()
    enrol(object, 'N')
    say(object, setBootstrapToken('of N'), 'N')
    for (const who of ['E1', 'E2', 'E3']) {
      enrol(object, who)
      for (const text of ['1', '2', '3']) {
        say(object, setBootstrapToken(`${who} ${text}`), who)
      }
    }
    queue(object, 'info', 'SecurityInfo')
    say(object, idle(DEVICE), 'E3')
    say(object, report(DEVICE, 'Acknowledged', 'info'), 'E3')
    showLife(object, 'N')
    const answer = say(object, checkIn('GetBootstrapToken'), 'N')
    expect(answer.kind === 'accepted' && new TextDecoder().decode(answer.reply)).toContain(
      Buffer.from('of N').toString('base64'),
    )
    showLife(object, 'A')
    expect(fates(object)).toEqual({ info: 'cancelled' })
  })

  it('is not pushed instead of the device, and an answer of APNs to it does not hold back the device', () => {
    const object = enrolled()
    enrol(object, 'B')
    object.commit((context) => {
      const [own] = context.state.channels
      if (own) {
        saveChannel(
          context,
          Object.assign(own, { pushAfter: object.now + DAY, flag: 'BadDeviceToken' }),
        )
      }
    })
    showLife(object, 'A')
    expect(object.commit(({ state }) => state.channels[0])).toMatchObject({
      pushAfter: 0,
      flag: '',
    })
  })
})

it('webhooks get which messages are contested, and the result of the contest', () => {
  const object = enrolled()
  enrol(object, 'B')
  say(object, setBootstrapToken('of B'), 'B')
  showLife(object, 'A')
  const told = object
    .db()
    .all<{ topic: string; about: string }>('SELECT topic, about FROM events ORDER BY seq')
    .map(({ topic, about }) => ({ topic, ...JSON.parse(about) }))
  const ofB = told.slice(told.findIndex(({ topic }) => topic === 'enrollment.contested') - 1)
  expect(ofB.map(({ topic, contested, proof }) => [topic, contested ?? proof])).toEqual([
    ['mdm.Authenticate', true],
    ['enrollment.contested', undefined],
    ['mdm.TokenUpdate', true],
    ['mdm.SetBootstrapToken', true],
    ['enrollment.settled', 'probe'],
  ])
})

it('webhooks get no settled event while an unproven enrolment only replaces another', () => {
  const object = enrolled()
  enrol(object, 'B')
  enrol(object, 'C')
  const ends = () =>
    object.db().all("SELECT id FROM events WHERE topic = 'enrollment.settled'").length
  showLife(object, 'B')
  expect(standings(object)).toEqual(['A earlier first', 'B current', 'C earlier'])
  expect(ends()).toBe(0)
  showLife(object, 'A')
  expect(ends()).toBe(1)
})

it('a renewal drops the profile before', () => {
  const object = enrolled()
  const profile = { payload: MDM_PROFILE, secret: true }
  object.commit(({ state }) => {
    state.device.installed.serverUrl = 'https://old.example.com/mdm/connect'
  })
  queue(object, 'profile', 'InstallProfile', profile)
  say(object, idle(DEVICE))
  enrol(object, 'N')
  say(object, report(DEVICE, 'Acknowledged', 'profile'), 'N')
  expect(standings(object)).toEqual(['A current first', 'N current profile'])
  expect(object.commit(({ state }) => state.device.installed)).toMatchObject({
    identity: 'N',
    serverUrl: 'https://mdm.test/mdm/connect',
    renewal: { state: '' },
  })
})

it('a blocked device is refused in a contest too', () => {
  const object = enrolled()
  enrol(object, 'B')
  object.commit(block)
  expect(say(object, idle(DEVICE)).kind).toBe('blocked')
})
