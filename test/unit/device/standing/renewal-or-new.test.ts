import { describe, expect, it } from 'vitest'
import { isUndecided } from '../../../../src/device/standing/contest.ts'
import { settleContest } from '../../../../src/device/standing/contest-end.ts'
import type { DeviceAnswer } from '../../../../src/device/enrolment/message.ts'
import { writePlist } from '../../../../src/plist/write.ts'
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
  tokenUpdate,
  user,
} from '../say.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const MDM_PROFILE = writePlist({
  Command: { Payload: writePlist({ PayloadContent: [{ PayloadType: 'com.apple.mdm' }] }) },
})

/** The result of an Authenticate. */
function standing(object: TestObject): string {
  return object.commit((context) => {
    const { device, identities } = context.state
    if (device.contest) {
      return isUndecided(context) ? 'undecided' : 'contested'
    }
    const [first, second] = identities
    return first?.epoch === second?.epoch ? 'renewal' : 'new'
  })
}

function bootstrapToken(answer: DeviceAnswer): string {
  if (answer.kind !== 'accepted' || answer.later) {
    return answer.kind === 'accepted' ? '503' : answer.kind
  }
  const text = new TextDecoder().decode(answer.reply)
  return text.includes(Buffer.from('old').toString('base64')) ? 'old' : 'empty'
}

/** A is enrolled, has to answer a profile with an MDM payload, and two commands wait. */
function renewing(): TestObject {
  const object = new TestObject()
  say(object, authenticateAs('SERIAL'))
  say(object, tokenUpdate(DEVICE))
  say(object, tokenUpdate(user('ADA')))
  say(object, setBootstrapToken('old'))
  queue(object, 'profile', 'InstallProfile', { payload: MDM_PROFILE })
  queue(object, 'erase', 'EraseDevice')
  queue(object, 'info', 'DeviceInformation')
  say(object, idle(DEVICE))
  return object
}

const SUBJECTS = { same: 'CN=device', renamed: 'CN=another', 'not expanded': 'CN=%ComputerName%' }
const CAS = { same: 'ca', other: 'another' }

/** Derived from the table of proofs in docs/security.md alone, before the code. */
const ROWS = `
  profile left await | begun     complete  next-day  between finally erase        info         profile
  before  -    -     | undecided undecided contested 503     empty   held-earlier held-earlier acknowledged
  before  -    yes   | undecided contested contested 503     empty   held-earlier held-earlier acknowledged
  before  yes  -     | new       new       new       empty   empty   superseded   superseded   acknowledged
  before  yes  yes   | new       new       new       empty   empty   superseded   superseded   acknowledged
  after   -    -     | undecided undecided renewal   503     old     held-review  sent         acknowledged
  after   -    yes   | undecided contested contested 503     empty   held-earlier held-earlier held-earlier
  after   yes  -     | new       new       new       empty   empty   superseded   superseded   superseded
  after   yes  yes   | new       new       new       empty   empty   superseded   superseded   superseded
  never   -    -     | undecided undecided contested 503     empty   held-earlier held-earlier held-earlier
  never   -    yes   | undecided contested contested 503     empty   held-earlier held-earlier held-earlier
  never   yes  -     | new       new       new       empty   empty   superseded   superseded   superseded
  never   yes  yes   | new       new       new       empty   empty   superseded   superseded   superseded`

interface Row {
  readonly acknowledged: string
  readonly checkout: string
  readonly awaiting: string
  readonly outcome: string
}

const rows = ROWS.trim()
  .split('\n')
  .slice(1)
  .map((line): Row => {
    const [given = '', ...outcome] = line.split('|').map((part) => part.trim())
    const [acknowledged = '', checkout = '', awaiting = ''] = given.split(/\s+/)
    return { acknowledged, checkout, awaiting, outcome: outcome.join(' ').replaceAll(/\s+/g, ' ') }
  })
const variants = Object.entries(SUBJECTS).flatMap(([subjectIs, subject]) =>
  Object.entries(CAS).map(([caIs, caKey]) => ({ subjectIs, caIs, subject, caKey })),
)

describe.each(variants)(
  'an Authenticate with a new certificate, subject $subjectIs, CA $caIs',
  ({ subject, caKey }) => {
    it.each(rows)(
      'profile acknowledged: $acknowledged, CheckOut: $checkout, awaiting: $awaiting',
      ({ acknowledged, checkout, awaiting, outcome }) => {
        const object = renewing()
        const claim = { subject, caKey }
        const found: string[] = []
        if (acknowledged === 'before') {
          say(object, report(DEVICE, 'Acknowledged', 'profile'))
        }
        if (checkout === 'yes') {
          say(object, checkIn('CheckOut'))
        }
        say(object, authenticateAs('SERIAL'), 'B', claim)
        const between = bootstrapToken(say(object, checkIn('GetBootstrapToken'), 'B'))
        found.push(standing(object))
        say(object, tokenUpdate(DEVICE, { awaitingConfiguration: awaiting === 'yes' }), 'B')
        found.push(standing(object))
        if (acknowledged === 'after') {
          say(object, report(DEVICE, 'Acknowledged', 'profile'), 'B')
        }
        object.now += DAY
        say(object, { ...idle(DEVICE), enrollment: user('ADA') }, 'B')
        found.push(standing(object), between)
        found.push(bootstrapToken(say(object, checkIn('GetBootstrapToken'), 'B')))
        found.push(...['erase', 'info', 'profile'].map((uuid) => fates(object)[uuid] ?? 'gone'))
        expect(found.map((word) => word.replaceAll(' ', '-')).join(' ')).toBe(outcome)
      },
    )
  },
)

describe('an Authenticate with a new certificate', () => {
  it('is contested if no MDM profile is unanswered or was acknowledged in the last hour', () => {
    const without = renewing()
    say(without, report(DEVICE, 'Error', 'profile'))
    say(without, authenticateAs('SERIAL'), 'B')
    expect(standing(without)).toBe('contested')
    const late = renewing()
    say(late, report(DEVICE, 'Acknowledged', 'profile'))
    late.now += HOUR
    say(late, authenticateAs('SERIAL'), 'B')
    expect(standing(late)).toBe('contested')
  })

  it('is contested at once if it reports another serial number', () => {
    const object = renewing()
    say(object, authenticateAs('ANOTHER'), 'B')
    expect(standing(object)).toBe('contested')
  })

  it('is new at once if its challenge was bound to the UDID, not to another device’s serial number', () => {
    const object = renewing()
    say(object, authenticateAs('OTHER'), 'B', { bound: { udid: false, serial: true } })
    expect(standing(object)).toBe('contested')
    say(object, authenticateAs('SERIAL'), 'C', { bound: { udid: true, serial: true } })
    expect(object.commit(({ state }) => state.device.contest)).toBeUndefined()
    expect(['erase', 'info'].map((uuid) => fates(object)[uuid])).toEqual([
      'held review',
      'superseded',
    ])
  })

  it('is no renewal by an acknowledgement of a job’s CommandUUID, which other devices know', () => {
    const object = new TestObject()
    say(object, authenticateAs('SERIAL'))
    say(object, tokenUpdate(DEVICE))
    queue(object, 'profile', 'InstallProfile', { payload: MDM_PROFILE, source: 'job/1' })
    say(object, idle(DEVICE))
    say(object, authenticateAs('SERIAL'), 'B')
    say(object, tokenUpdate(DEVICE), 'B')
    say(object, report(DEVICE, 'Acknowledged', 'profile'), 'B')
    expect(standing(object)).toBe('undecided')
  })

  it('is no renewal by an acknowledgement after it became contested', () => {
    const object = renewing()
    say(object, authenticateAs('SERIAL'), 'B')
    say(object, tokenUpdate(DEVICE), 'B')
    object.now += DAY
    say(object, report(DEVICE, 'Acknowledged', 'profile'), 'B')
    expect(standing(object)).toBe('contested')
    expect(fates(object)['profile']).toBe('held earlier')
  })

  it('is a renewal if an admin decides so, and keeps the facts that it reported meanwhile', () => {
    const object = renewing()
    say(object, report(DEVICE, 'Acknowledged', 'profile'))
    say(object, authenticateAs('SERIAL'), 'B')
    say(object, tokenUpdate(DEVICE, { token: new Uint8Array(32).fill(7) }), 'B')
    object.commit((context) => settleContest(context, 'admin_renewal'))
    expect(standing(object)).toBe('renewal')
    expect(object.commit(({ state }) => state.channels.map(({ token }) => token?.[0]))).toEqual([
      7, 0,
    ])
    expect(bootstrapToken(say(object, checkIn('GetBootstrapToken'), 'B'))).toBe('old')
  })
})
