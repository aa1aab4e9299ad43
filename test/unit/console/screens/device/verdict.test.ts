import { describe, expect, it } from 'vitest'
import {
  deedBadges,
  managementBadges,
  verdictOf,
} from '../../../../../src/console/screens/device/verdict.ts'
import { channelOf, command, device, MINUTE, NOW, time } from './device.ts'

const DAY = 24 * 60 * MINUTE

describe('the verdict of a device', () => {
  it.each<[string, Parameters<typeof device>[0], string, string]>([
    ['is alive', {}, 'Alive', 'last seen 3 min ago, push ready, nothing waits'],
    [
      'has commands waiting',
      { channels: [channelOf({ waiting: 2, oldest_queued_at: time(-14 * MINUTE) })] },
      'Alive',
      'last seen 3 min ago, push ready, 2 commands wait, the oldest queued 14 min ago',
    ],
    ['is silent', { last_seen_at: time(-8 * DAY) }, 'Silent', 'push ready, nothing waits'],
    [
      'has a dead token',
      { push_state: 'failing', channels: [{ ...channelOf(), push_reason: 'Unregistered' }] },
      'Cannot be pushed',
      'Unregistered, until it sends a new token; last seen 3 min ago, nothing waits',
    ],
    ['has no token', { push_state: 'none' }, 'No push token', 'last seen 3 min ago'],
    ['is blocked', { blocked: true }, 'Blocked', 'removes its MDM profile'],
    ['has left', { state: 'checked_out' }, 'Checked out', 'waits until it enrols again'],
    ['enrols', { state: 'authenticated' }, 'Enrolling', 'push token has not come yet'],
    [
      'was never here',
      { state: 'unknown', last_seen_at: null },
      'Never enrolled',
      'until it enrols',
    ],
    ['is contested', { contested: true }, 'In doubt', 'not proven which enrolment is the device'],
    [
      'has a certificate that has ended',
      { identities: [{ ...device().identities[0], expires_at: time(-DAY) }] },
      'Out of reach',
      'its certificate has ended',
    ],
  ])('that %s', (_, given, word, because) => {
    const verdict = verdictOf(device(given), NOW)
    expect(verdict.word).toBe(word)
    expect(verdict.because).toContain(because)
  })
})

describe('the badges of a device', () => {
  it('a lock waits, was given, and holds a Mac until the Mac is heard again', () => {
    const badges = (given: Parameters<typeof command>[1], seen = -3 * MINUTE) =>
      deedBadges(device({ last_seen_at: time(seen) }), [command('DeviceLock', given)]).map(
        ({ word }) => word,
      )
    expect(badges({ state: 'queued' })).toEqual(['Lock waiting'])
    expect(badges({ state: 'held' })).toEqual(['Lock held'])
    expect(badges({ state: 'sent', last_handed_out_at: time(0) })).toEqual(['Lock given to it'])
    const done = { state: 'acknowledged', answered_at: time(-3 * MINUTE) } as const
    expect(badges(done)).toEqual(['Locked'])
    expect(badges(done, -1 * MINUTE)).toEqual([])
    expect(badges({ state: 'cancelled' })).toEqual([])
    expect(badges({ state: 'error' })).toEqual([])
  })

  it('no iPhone stays locked by a command', () => {
    const done = command('DeviceLock', { state: 'acknowledged', answered_at: time(-3 * MINUTE) })
    expect(deedBadges(device({ platform: 'iOS' }), [done])).toEqual([])
  })

  it('an erased device is erased until it enrols anew', () => {
    const done = command('EraseDevice', { state: 'acknowledged', answered_at: time(-60 * MINUTE) })
    const since = (token: number) =>
      deedBadges(device({ channels: [{ ...channelOf(), token_at: time(token) }] }), [done])
    expect(since(-90 * MINUTE)).toMatchObject([{ word: 'Erased', since: time(-60 * MINUTE) }])
    expect(since(-30 * MINUTE)).toEqual([])
  })

  it('Lost Mode lasts until its end, or until a report denies it', () => {
    const on = command('EnableLostMode', { state: 'acknowledged', answered_at: time(-9 * MINUTE) })
    const off = command('DisableLostMode', { state: 'acknowledged', answered_at: time(-MINUTE) })
    const phone = device({ platform: 'iOS' })
    expect(deedBadges(phone, [on])).toMatchObject([{ word: 'Lost Mode' }])
    expect(deedBadges(phone, [off, on])).toEqual([])
    expect(deedBadges(phone, [{ ...off, state: 'error' }, on])).toHaveLength(1)
    const said = { at: time(0), command_id: 'x.1', value: { IsMDMLostModeEnabled: false } }
    const inventory = { ...phone.inventory, DeviceInformation: said }
    expect(deedBadges({ ...phone, inventory }, [on])).toEqual([])
  })

  it('supervision is said only where the device has reported it', () => {
    expect(managementBadges(device())).toEqual([])
    const said = { at: time(0), command_id: 'x.1', value: { IsSupervised: true } }
    const inventory = { ...device().inventory, DeviceInformation: said }
    expect(managementBadges(device({ inventory }))).toMatchObject([{ word: 'Supervised' }])
  })
})
