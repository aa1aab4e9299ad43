import { expect, it } from 'vitest'
import { proveSerial } from '../../../../src/device/standing/prove-serial.ts'
import { checkOut } from '../../../../src/device/standing/leave.ts'
import { settleContest } from '../../../../src/device/standing/contest-end.ts'
import { directoryRow } from '../../../../src/device/standing/directory-row.ts'
import { isSerialProven } from '../../../../src/device/standing/serial-claim.ts'
import { reinstateIdentity, revokeIdentity } from '../../../../src/device/enrolment/revocation.ts'
import { renewIdentity, type Claim } from '../../../../src/device/enrolment/identity.ts'
import { receive } from '../../../../src/device/enrolment/receive.ts'
import { NO_FACTS, type CheckIn } from '../../../../src/mdm/message.ts'
import { TestObject } from '../object.ts'

const bound = { udid: true, serial: true }
const claim: Claim = { caKey: 'ca', subject: 'CN=device', notAfter: 1e15, issuedHere: false }

/** A device that enrols with different certificates. */
function device() {
  const object = new TestObject()
  const say = (message: Partial<CheckIn>, fingerprint: string, facts: Partial<Claim>) => {
    object.commit((context) =>
      receive(context, {
        message: {
          kind: 'checkin',
          enrollment: { type: 'Device', device: 'UDID-1', user: '' },
          topic: 'topic',
          ...message,
        } as CheckIn,
        body: new Uint8Array(),
        eventId: crypto.randomUUID(),
        url: 'https://mdm.test/mdm/connect',
        params: {},
        fingerprint,
        claim: { ...claim, ...facts },
        listeners: [],
        conflictListeners: [],
        deferredListeners: [],
      }),
    )
    object.evict()
    return object.commit(({ state }) => isSerialProven(state))
  }
  return {
    object,
    /** @returns whether its serial number is proven then */
    enrols(fingerprint: string, facts: Partial<Claim> = {}, serial = 'C02'): boolean {
      const authenticate = {
        messageType: 'Authenticate',
        facts: { ...NO_FACTS, SerialNumber: serial },
      } as const
      const proven = say(authenticate, fingerprint, facts)
      const token = { token: new Uint8Array(32), pushMagic: 'magic' }
      say({ messageType: 'TokenUpdate', ...token } as Partial<CheckIn>, fingerprint, facts)
      return proven
    },
    says: (serial: string, proven: boolean) =>
      object.commit((context) => proveSerial(context, serial, proven)).kind,
    isProven: () => object.commit(({ state }) => isSerialProven(state)),
    claimedAt: () => object.commit(({ state }) => state.device.claimedAt),
  }
}

it('a challenge bound to a serial number proves it, for the enrolment and its renewals', () => {
  const { object, enrols, isProven } = device()
  expect(enrols('A')).toBe(false)
  expect(enrols('B', { bound: { udid: true, serial: false } })).toBe(false)
  expect(enrols('C', { bound })).toBe(true)
  object.commit((context) =>
    renewIdentity(context, { previous: 'C', fingerprint: 'D', claim, byProfile: true }),
  )
  object.commit((context) => revokeIdentity(context, 'C'))
  expect(isProven()).toBe(true)
  expect(enrols('D')).toBe(true)
  object.commit((context) => revokeIdentity(context, 'D'))
  expect(isProven()).toBe(false)
})

it('the proof of a serial number belongs to an identity: it ends and returns with its enrolment', () => {
  const { object, enrols, isProven } = device()
  expect(enrols('A')).toBe(false)
  expect(enrols('B', { bound })).toBe(true)
  // A contested enrolment changes nothing of the kept one.
  expect(enrols('C')).toBe(true)
  object.commit((context) => settleContest(context, 'admin'))
  expect(isProven()).toBe(false)
  object.commit((context) => reinstateIdentity(context, 'B'))
  expect(isProven()).toBe(true)
  expect(enrols('B', {}, 'OTHER')).toBe(false)
  expect(enrols('B', {}, '')).toBe(false)
  expect(enrols('B')).toBe(true)
})

it('during a contest the directory lists the kept serial number, and renewals prove none', () => {
  const { object, enrols } = device()
  enrols('A', { bound })
  enrols('B', {}, 'OTHER')
  object.commit((context) =>
    renewIdentity(context, { previous: 'B', fingerprint: 'C', claim, byProfile: false }),
  )
  expect(object.commit(directoryRow)).toMatchObject({
    facts: { SerialNumber: 'C02' },
    serialProven: true,
    contested: true,
  })
  object.commit((context) => settleContest(context, 'admin'))
  expect(object.commit(directoryRow)).toMatchObject({
    facts: { SerialNumber: 'OTHER' },
    serialProven: false,
  })
})

it('an admin’s decision on a serial number holds for one enrolment, and can remove a proof for good', () => {
  const { object, enrols, says, isProven } = device()
  expect(says('C02', true)).toBe('unknown')
  enrols('A')
  expect(says('OTHER', true)).toBe('other')
  expect(says('C02', true)).toBe('taken')
  object.evict()
  expect(isProven()).toBe(true)
  enrols('B')
  object.commit((context) => settleContest(context, 'admin'))
  expect(isProven()).toBe(false)
  object.commit((context) => reinstateIdentity(context, 'A'))
  expect(isProven()).toBe(true)
  expect(says('C02', false)).toBe('taken')
  expect(isProven()).toBe(false)
  object.commit((context) => checkOut(context, ''))
  expect(says('C02', true)).toBe('gone')
})

it('a device claims its serial number from the first report of it until it leaves', () => {
  const { object, enrols, claimedAt } = device()
  enrols('A')
  const first = claimedAt()
  enrols('B')
  expect(claimedAt()).toBe(first)
  object.commit((context) => settleContest(context, 'admin'))
  enrols('B', {}, 'OTHER')
  const other = claimedAt()
  expect(other).toBeGreaterThan(first)
  object.commit((context) => checkOut(context, ''))
  enrols('B', {}, 'OTHER')
  expect(claimedAt()).toBeGreaterThan(other)
})
