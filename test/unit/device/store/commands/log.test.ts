import { expect, it } from 'vitest'
import { block, unblock } from '../../../../../src/device/standing/block.ts'
import { hide, retire } from '../../../../../src/device/standing/leave.ts'
import { recordUnsupported } from '../../../../../src/device/queue/enqueue.ts'
import { applyReport } from '../../../../../src/device/queue/report.ts'
import { channelOf } from '../../../../../src/device/store/channels.ts'
import { NO_FACTS } from '../../../../../src/mdm/message.ts'
import { writePlist } from '../../../../../src/plist/write.ts'
import { TestObject } from '../../object.ts'
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
} from '../../say.ts'

const NO_BYTES = new Uint8Array()
const facts = { ...NO_FACTS, ModelName: 'MacBook Pro', SerialNumber: 'C02SECRET' }
const where = { device: 'UDID-1', model: 'MacBook Pro' }

function enrolledMac(): TestObject {
  const object = new TestObject()
  say(object, { ...authenticate, facts })
  say(object, tokenUpdate(DEVICE))
  return object
}

it('an enrolment or CheckOut of a device or user is one log line, without the UserID', () => {
  const object = enrolledMac()
  expect(object.effects.happened).toEqual([{ event: 'device:enrolled', ...where }])
  say(object, tokenUpdate(DEVICE))
  expect(object.effects.happened).toEqual([])
  say(object, tokenUpdate(user('ada@example.com')))
  expect(object.effects.happened).toEqual([{ event: 'device:enrolled', ...where, user: true }])
  say(object, checkIn('CheckOut'))
  expect(object.effects.happened).toEqual([{ event: 'device:checked-out', ...where }])
})

it('the CheckOut of an unknown user, or of one that left before, is not logged', () => {
  const object = enrolledMac()
  const leaves = () => {
    say(object, checkIn('CheckOut', user('ada')))
    return object.effects.happened
  }
  expect(leaves()).toEqual([])
  say(object, tokenUpdate(user('ada')))
  expect(leaves()).toEqual([{ event: 'device:checked-out', ...where, user: true }])
  expect(leaves()).toEqual([])
})

it.each([
  ['device:blocked', block, unblock],
  ['device:deleted', hide, undefined],
  ['device:retired', retire, undefined],
] as const)('%s is logged when an action of an admin changed something', (event, act, undo) => {
  const object = enrolledMac()
  object.commit<boolean | void>(act)
  expect(object.effects.happened).toEqual([{ event, ...where }])
  object.commit<boolean | void>(act)
  expect(object.effects.happened).toEqual([])
  if (undo) {
    object.commit(undo)
    expect(object.effects.happened).toEqual([{ event: 'device:unblocked', ...where }])
    object.commit(undo)
    expect(object.effects.happened).toEqual([])
  }
})

it('a command of a user is logged by its number, never by the UserID', () => {
  const object = enrolledMac()
  say(object, tokenUpdate(user('ada')))
  queue(object, 'one', 'ProfileList', { user: 'ada' })
  say(object, idle(user('ada')))
  say(object, report(user('ada'), 'Acknowledged', 'one'))
  const place = { device: 'UDID-1', user: true, number: 1 }
  expect(object.effects.happened).toMatchObject([{ event: 'command:answered', ...place }])
  object.commit((context) => {
    const command = { uuid: 'two', requestType: 'X', payload: NO_BYTES, secret: false, source: '' }
    recordUnsupported(context, channelOf(context, 'ada'), { n: 1, command, lacks: ['iOS 27'] })
  })
  const told = [...object.effects.notes]
  expect(told).toEqual([{ event: 'command:unsupported', ...place, reason: 'iOS 27' }])
  const [event] = object.db().all<{ id: string }>('SELECT id FROM events ORDER BY seq DESC LIMIT 1')
  expect(event?.id).toMatch(/^UDID-1\.\d+\/unsupported$/)
})

it('an answered command is one log line with the time since it was queued; an Idle is not logged', () => {
  const object = enrolledMac()
  queue(object, 'one')
  expect(object.effects.happened).toEqual([])
  object.now += 90
  say(object, idle(DEVICE))
  expect(object.effects.happened).toEqual([])
  const about = {
    event: 'command:answered',
    ...where,
    command_id: 'UDID-1.1',
    request_type: 'ProfileList',
  }
  say(object, report(DEVICE, 'NotNow', 'one'))
  expect(object.effects.happened).toEqual([{ ...about, state: 'not_now', ms: 92 }])
  say(object, idle(DEVICE))
  say(object, report(DEVICE, 'NotNow', 'one'))
  expect(object.effects.happened).toEqual([])
  say(object, idle(DEVICE))
  say(object, report(DEVICE, 'Acknowledged', 'one'))
  expect(object.effects.happened).toEqual([{ ...about, state: 'acknowledged', ms: 96 }])
  say(object, report(DEVICE, 'Acknowledged', 'one'))
  expect(object.effects.happened).toEqual([])
})

it('a failed command is logged with the code of its first error, never with its text', () => {
  const object = enrolledMac()
  queue(object, 'one', 'InstallProfile')
  say(object, idle(DEVICE))
  const ErrorChain = [
    {
      USEnglishDescription: 'The profile is broken.',
      ErrorDomain: 'MCProfileErrorDomain',
      ErrorCode: 1000,
    },
    { USEnglishDescription: 'The cause.', ErrorDomain: 'MCPayloadErrorDomain', ErrorCode: 2000 },
  ]
  object.commit((context) =>
    applyReport(
      context,
      channelOf(context, ''),
      { kind: 'report', enrollment: DEVICE, status: 'Error', commandUUID: 'one' },
      writePlist({ ErrorChain }),
    ),
  )
  const [line] = object.effects.happened
  expect(line).toMatchObject({ event: 'command:answered', state: 'error' })
  expect(line?.['error']).toBe('MCProfileErrorDomain 1000')
})

it('a command that is held, or has no enrolled device, is logged when it is queued', () => {
  const object = new TestObject()
  queue(object, 'one')
  const line = { event: 'command:waits', device: 'UDID-1' }
  expect(object.effects.happened).toEqual([
    { ...line, command_id: 'UDID-1.1', request_type: 'ProfileList' },
  ])
  queue(object, 'two', 'EraseDevice')
  expect(object.effects.happened).toMatchObject([{ ...line, held: 'arrival' }])
})
