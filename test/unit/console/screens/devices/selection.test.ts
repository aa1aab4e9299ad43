import { describe, expect, it } from 'vitest'
import {
  chipsOf,
  chosen,
  chosenIn,
  readWords,
} from '../../../../../src/console/screens/devices/filter.ts'
import {
  composerFor,
  targetIn,
  updateFor,
} from '../../../../../src/console/screens/devices/selection.ts'

const NOW = Date.UTC(2026, 10, 29, 12, 0, 30)
const query = (text: string) => new URLSearchParams(text)
const words = (text: string) => readWords(query(text), NOW)
const back = (address: string) => targetIn(new URL(address, 'http://x').searchParams, NOW)

describe('a selection', () => {
  it('of picked devices comes back from its address, also with strange ids', () => {
    const ids = ['A', 'b,c', '%2C', 'd%e', '&f=g', '+h']
    expect(back(composerFor({ kind: 'ids', ids }))).toEqual({ ids })
  })

  it('of all that match is the filter, without how the list is shown', () => {
    const list = query('platform=macOS,iOS&os=26&sort=-last_seen_at&cols=name&from=x&q=7F2K')
    const address = composerFor({ kind: 'all', query: list, except: ['A'] })
    expect(address).toBe('/console/commands/new?platform=macOS%2CiOS&os=26&q=7F2K&except=A')
    expect(back(address)).toEqual({
      filter: { platform: ['macOS', 'iOS'], os_version: '26', q: '7F2K' },
      except: ['A'],
    })
  })

  it('without a filter is every enrolled device', () => {
    const address = composerFor({ kind: 'all', query: query('sort=id'), except: [] })
    expect(address).toBe('/console/commands/new')
    expect(back(address)).toEqual({ all: true })
  })
})

it('a software update finds picked devices by their serial numbers, and all by the filter', () => {
  const row = (id: string, serial_number: string | null, platform: string) => {
    return { id, serial_number, platform }
  }
  const rows = [row('A', 'C02A', 'macOS'), row('B', null, 'iOS'), row('C', 'C02C', 'macOS')]
  expect(updateFor({ kind: 'ids', ids: ['A', 'B'] }, rows)).toBe(
    '/console/updates?platform=macOS%2CiOS&serial_number=C02A&new=update',
  )
  const list = query('platform=macOS&sort=-last_seen_at')
  expect(updateFor({ kind: 'all', query: list, except: ['A'] }, rows)).toBe(
    '/console/updates?platform=macOS&except=some&new=update',
  )
})

describe('the filter of an address', () => {
  it('takes short names and the API’s', () => {
    expect(words('push=failing')).toEqual({ push_state: ['failing'] })
    expect(words('push_state=failing,none')).toEqual({ push_state: ['failing', 'none'] })
  })

  it('leaves out what has no sense, so that the API refuses nothing', () => {
    expect(words('state=lost&platform=macOS,Windows&supervised=perhaps&q=%20&seen=soon')).toEqual({
      platform: ['macOS'],
    })
    expect(words('last_seen_before=yesterday')).toEqual({})
    expect(words('state=constructor')).toEqual({})
  })

  it('turns ages into times that stay the same within a minute', () => {
    expect(words('seen=7d')).toEqual({ last_seen_before: '2026-11-22T12:00:00.000Z' })
    expect(words('seen=in-1d')).toEqual({ last_seen_after: '2026-11-28T12:00:00.000Z' })
  })

  it('is shown as chips, each of which can be taken away', () => {
    const shown = chipsOf(query('q=x&push=failing,none&seen=30d&supervised=false&sort=id'))
    expect(shown.map(({ label, value }) => `${label}: ${value}`)).toEqual([
      'Push: Failing, No token',
      'Supervised: No',
      'Last seen: Not for 30 days',
    ])
    expect(shown[0]?.without).toEqual({ push: undefined, push_state: undefined })
    expect(chipsOf(query('seen=3d'))[0]?.value).toBe('Not for 3 days')
  })

  it('is shown as a chip too where the address has a value that filters nothing', () => {
    expect(chipsOf(query('platform=bogus&seen=soon'))).toMatchObject([
      { label: 'Platform', value: 'bogus (unknown)', without: { platform: undefined } },
      { label: 'Last seen', value: 'soon (unknown)', without: { seen: undefined } },
    ])
  })

  it('is changed by the words that it chose', () => {
    expect(chosenIn(query('push_state=none'), 'push_state')).toEqual(['none'])
    expect(chosen('push_state', ['none', 'ready'])).toEqual({
      push_state: undefined,
      push: 'none,ready',
    })
    expect(chosen('state', [])).toEqual({ state: undefined })
  })
})
