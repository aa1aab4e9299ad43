import { describe, expect, it } from 'vitest'
import { TestObject } from '../object.ts'
import { authenticateAs, DEVICE, say, tokenUpdate } from '../say.ts'

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
