import { describe, expect, it } from 'vitest'
import { directoryRow, presentRow } from '../../../../src/device/standing/directory-row.ts'
import { enrol, MINUTE } from '../enrolled.ts'
import { TestObject } from '../object.ts'
import { authenticateAs, DEVICE, idle, say, tokenUpdate } from '../say.ts'

const LISTED = { isListed: true }

describe('an Authenticate that the claim has listed', () => {
  it('of a new device hands out no row, and its TokenUpdate does', () => {
    const object = new TestObject()
    const began = say(object, authenticateAs('SERIAL'), 'A', LISTED)
    expect(began).toMatchObject({ kind: 'accepted', news: { directory: undefined } })
    expect(say(object, tokenUpdate(DEVICE))).toMatchObject({
      news: { directory: { state: 'enrolled', facts: { SerialNumber: 'SERIAL' }, identity: 'A' } },
    })
  })

  it('hands out its row if the certificate proves the serial number', () => {
    const object = new TestObject()
    const proven = { ...LISTED, bound: { udid: false, serial: true } }
    expect(say(object, authenticateAs('SERIAL'), 'A', proven)).toMatchObject({
      news: { directory: { state: 'authenticated', serialProven: true } },
    })
  })

  it('hands out its row if the device is known here', () => {
    const object = new TestObject().enrolled()
    expect(say(object, authenticateAs('SERIAL'), 'A', LISTED)).toMatchObject({
      news: { directory: { state: 'authenticated', contested: true } },
    })
  })
})

it('a message confirms the row that its caller has listed, once', () => {
  const object = new TestObject()
  enrol(object, 'A')
  const { version: listed = 0 } = object.commit(directoryRow) ?? {}
  say(object, idle(DEVICE), 'A', { listed: listed - 1 })
  expect(object.commit(directoryRow)).toBeDefined()
  say(object, idle(DEVICE), 'A', { listed })
  expect(object.effects.settled).toBe(true)
  object.evict()
  expect(object.commit(directoryRow)).toBeUndefined()
  say(object, idle(DEVICE), 'A', { listed })
  expect(object.effects.settled).toBe(false)
})

it('the row says how a device enrolled, unless it enrolled when no row noted that', () => {
  const object = new TestObject()
  object.now = MINUTE
  enrol(object, 'A')
  const enrollmentOf = () => object.commit((context) => presentRow(context)?.standing?.enrollment)
  expect(enrollmentOf()).toBe('device')
  object.commit(({ state: { device } }) => {
    device.installed.enrolledAt = 0
  })
  expect(enrollmentOf()).toBe('')
  object.commit(({ state: { device } }) => {
    device.type = 'User Enrollment (Device)'
  })
  expect(enrollmentOf()).toBe('user')
})
