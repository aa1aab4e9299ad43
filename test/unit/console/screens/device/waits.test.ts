import { expect, it } from 'vitest'
import { whyItWaits, type Around } from '../../../../../src/console/screens/device/waits.ts'
import { command, MINUTE, NOW, time } from './device.ts'

const HOUR = 60 * MINUTE
const READY: Around = {
  state: 'enrolled',
  push: 'ready',
  pushReason: null,
  nextPush: time(2 * HOUR - MINUTE),
  now: NOW,
}
const DELIVERED = { at: time(-5 * MINUTE), outcome: 'delivered', detail: 'id' } as const

/** Clock times are the reader’s: the zone of this machine. */
it.each<[string, Parameters<typeof command>[1], Partial<Around>, string | RegExp]>([
  [
    'was put off',
    { state: 'not_now', not_nows: 7, not_now_since: time(-4 * 24 * HOUR) },
    {},
    /^NotNow, 7 times since \w{3} \d\d:\d\d; asked again within 2 h$/,
  ],
  [
    'was put off once today, on a device that cannot be pushed',
    { state: 'not_now', not_nows: 1, not_now_since: time(-5 * MINUTE) },
    { push: 'failing' },
    /^NotNow, once since (\w{3} )?\d\d:\d\d$/,
  ],
  [
    'was pushed',
    { pushed: DELIVERED },
    {},
    'Pushed 5 min ago, the device has not come yet; pushed again within 2 h',
  ],
  [
    'was pushed in vain',
    { pushed: { ...DELIVERED, outcome: 'later', detail: 'TooManyRequests' } },
    { nextPush: time(30_000) },
    'The push failed 5 min ago: TooManyRequests; tried again within a minute',
  ],
  ['was not pushed yet', {}, { nextPush: null }, 'Waits, not pushed yet'],
  ['has no device', {}, { state: 'checked_out' }, 'Waits until the device enrols'],
  ['has a device without token', {}, { push: 'none' }, 'it has no push token'],
  [
    'has a device with a dead token',
    {},
    { push: 'failing', pushReason: 'Unregistered' },
    'Waits until the device connects by itself: APNs refuses its token',
  ],
  [
    'is at the device',
    { state: 'sent', last_handed_out_at: time(-3 * MINUTE), hand_outs: 2 },
    {},
    'Given 3 min ago for the second time; no answer yet',
  ],
  [
    'was ignored',
    { state: 'stalled', last_handed_out_at: time(-3 * MINUTE), hand_outs: 3 },
    {},
    'It is behind the others now',
  ],
  [
    'is for later',
    { state: 'held', not_before: time(HOUR) },
    {},
    /^Waits for its time: (\w{3} )?\d\d:\d\d$/,
  ],
  ['is held', { state: 'held', held_for: 'contest' }, {}, 'Held until it is proven'],
  [
    'expires',
    { state: 'held', held_for: 'setup', expires_at: time(3 * HOUR) },
    {},
    'Held until the setup of the device is over; it expires in 3 h',
  ],
])('says why a command waits that %s', (_, given, around, words) => {
  expect(whyItWaits(command('ProfileList', given), { ...READY, ...around })).toMatch(words)
})
