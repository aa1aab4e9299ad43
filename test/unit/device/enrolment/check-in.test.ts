import { expect, it } from 'vitest'
import { checkIn } from '../../../../src/device/enrolment/check-in.ts'
import { TestObject } from '../object.ts'
import { DEVICE, tokenUpdate } from '../say.ts'

it.each([
  ['', 0],
  ['com.apple.mgmt.ours', 0],
  ['com.apple.mgmt.new', 1],
])(
  'a TokenUpdate for our topic, under a certificate for %j, is logged %i times',
  (pushTopic, told) => {
    const object = new TestObject('UDID-1', { pushTopic })
    const message = tokenUpdate(DEVICE, { topic: 'com.apple.mgmt.ours' })
    object.commit((context) =>
      checkIn(context, message, {
        fingerprint: 'f',
        identity: undefined,
        claim: undefined,
        profile: undefined,
        digest: '',
      }),
    )
    const notes = object.effects.notes.filter(({ event }) => event === 'push:topic-mismatch')
    expect(notes).toHaveLength(told)
    expect(notes[0]?.['certificate_topic'] ?? pushTopic).toBe(pushTopic)
  },
)
