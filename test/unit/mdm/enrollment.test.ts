import { describe, expect, it } from 'vitest'
import {
  enrollmentOf,
  faultOfDeviceId,
  faultOfId,
  SHARED_IPAD_USER_ID,
} from '../../../src/mdm/enrollment.ts'
import { ProtocolError } from '../../../src/mdm/errors.ts'

const MAC = '5C1C1B1E-0000-5000-8000-0123456789AB'
const LONGEST = 'x'.repeat(256)

const DEVICES = [
  MAC,
  '00008103-001A2B3C4D5E6F70',
  'a'.repeat(40),
  'd5f0a7c2-1111-4222-8333-444455556666',
  'UserEnrollment+Id/of=some~kind@apple.com',
  'A.1',
  LONGEST,
]

const USERS = [
  '9A8B7C6D-1234-4ABC-9DEF-0123456789AB',
  'ada',
  'ada.lovelace@example.com',
  "o'brien+mdm@appleid.example.com",
  'müller@schule.example',
  '山田 太郎',
  'DOMAIN\\ada',
  'ada/admin',
  'svc$backup',
  '50%',
  '_mbsetupuser',
  '...',
  LONGEST,
]

/** Neither a device nor a user can be called like that. */
const NEITHER: readonly (readonly [string, string])[] = [
  [' ', 'it is empty'],
  ['\t', 'it is empty'],
  ['\u00a0', 'it is empty'],
  [`${MAC} `, 'white space at an end'],
  [` ${MAC}`, 'white space at an end'],
  [`${MAC}\n`, 'white space at an end'],
  [`${MAC}\u3000`, 'white space at an end'],
  [`${MAC}:x`, 'a colon parts a device from its user'],
  [':', 'a colon parts'],
  ['a\u0000b', 'control characters'],
  ['a\u001fb', 'control characters'],
  ['a\u007fb', 'control characters'],
  ['a\u0085b', 'control characters'],
  ['a\u200bb', 'control characters'],
  ['a\u202eb', 'control characters'],
  ['a\u2028b', 'control characters'],
  ['a\ufeffb', 'control characters'],
  ['a\ufe0fb', 'invisible'],
  ['a\u034fb', 'invisible'],
  ['a\u3164b', 'invisible'],
  ['a\u2800b', 'invisible'],
  ['a\ud800b', 'control characters'],
  ['.', 'dots alone'],
  ['..', 'dots alone'],
  ['x'.repeat(257), 'longer than 256'],
  [SHARED_IPAD_USER_ID.toLowerCase(), 'the same on every Shared iPad'],
]

/** A user may be called like that, and no device. */
const USERS_ALONE = ['müller', 'ada lovelace', '山田']

describe('an enrolment id', () => {
  it.each(DEVICES)('of a device may be %s, at the door and in the API', (id) => {
    expect(enrollmentOf({ UDID: id })).toEqual({ type: 'Device', device: id, user: '' })
    expect(enrollmentOf({ EnrollmentID: id })).toMatchObject({ device: id, user: '' })
    expect(faultOfDeviceId(id)).toBeUndefined()
    expect(faultOfId(id)).toBeUndefined()
  })

  it.each(USERS)('of a user may be %s, at the door and in the API', (id) => {
    expect(enrollmentOf({ UDID: MAC, UserID: id })).toMatchObject({ device: MAC, user: id })
    expect(
      enrollmentOf({ UDID: MAC, UserID: SHARED_IPAD_USER_ID, UserShortName: id }),
    ).toMatchObject({ type: 'Shared iPad', user: id })
    expect(enrollmentOf({ EnrollmentID: MAC, EnrollmentUserID: id })).toMatchObject({ user: id })
    expect(faultOfId(`${MAC}:${id}`)).toBeUndefined()
    expect(faultOfId(id)).toBeUndefined()
  })

  it.each(NEITHER)('is never %j, at the door or in the API', (id, reason) => {
    for (const ids of [
      { UDID: id },
      { EnrollmentID: id },
      { UDID: MAC, UserID: id },
      { UDID: MAC, UserID: SHARED_IPAD_USER_ID, UserShortName: id },
      { EnrollmentID: MAC, EnrollmentUserID: id },
    ]) {
      expect(() => enrollmentOf(ids)).toThrow(ProtocolError)
      expect(() => enrollmentOf(ids)).toThrow(reason)
    }
    expect(faultOfDeviceId(id)).toContain(reason)
    expect(faultOfId(`${MAC}:${id}`)).toContain(reason)
  })

  it.each(USERS_ALONE)('%s is a user’s, and no device can enrol with it', (id) => {
    expect(faultOfId(id)).toBeUndefined()
    expect(faultOfDeviceId(id)).toContain('printable ASCII')
    expect(() => enrollmentOf({ UDID: id })).toThrow('printable ASCII')
  })

  it('in the API has a user behind its colon', () => {
    expect(faultOfId(`${MAC}:`)).toBe('not an enrolment id: no UserID follows the colon')
    expect(faultOfId('')).toContain('it is empty')
    expect(faultOfId(':ada')).toContain('it is empty')
  })

  it('is never the Shared iPad’s UserID, which names the type of a channel', () => {
    const id = SHARED_IPAD_USER_ID
    expect(() => enrollmentOf({ UDID: id })).toThrow('the same on every Shared iPad')
    expect(() => enrollmentOf({ UDID: MAC, UserID: id })).toThrow('without UserShortName')
    expect(() => enrollmentOf({ UDID: MAC, UserID: id, UserShortName: id })).toThrow('the same on')
    expect(faultOfId(id)).toContain('the same on every Shared iPad')
  })
})
