import { describe, expect, it } from 'vitest'
import type { Dated, Told } from '../../../src/control/dated.ts'
import { daysLeft, noticeOf } from '../../../src/health/notices.ts'

const DAY = 86_400_000
const NOW = Date.UTC(2026, 10, 24, 3, 17)

const thing = (days: number, version = 'one'): Dated => ({
  kind: 'push_certificate',
  name: 'topic',
  version,
  notAfter: NOW + days * DAY,
})

/** The days of the notices that are told when the cron runs so many days after the first run. */
function told(
  end: number,
  runs: readonly number[],
): readonly (readonly [run: number, days: number])[] {
  let last: Told | undefined
  return runs.flatMap((run) => {
    const notice = noticeOf(thing(end), last, NOW + run * DAY)
    last = notice.told
    return notice.isDue ? [[run, notice.told?.days ?? -1] as const] : []
  })
}

const daily = (days: number) => Array.from({ length: days }, (_, n) => n)

describe('a notice about something that ends', () => {
  it('is told 60, 30, 14, 7 and 1 days before, once each, and each day from the end on', () => {
    expect(told(70, daily(73))).toEqual([
      [10, 60],
      [40, 30],
      [56, 14],
      [63, 7],
      [69, 1],
      [70, 0],
      [71, 0],
      [72, 0],
    ])
  })

  it('is told late after missed days, and of several only the last', () => {
    expect(told(70, [0, 12, 60, 61])).toEqual([
      [12, 60],
      [60, 14],
    ])
  })

  it('comes once a day, however often the duties run', () => {
    expect(told(1, [0, 1, 1.1, 1.2, 2])).toEqual([
      [0, 1],
      [1, 0],
      [2, 0],
    ])
  })

  it('is told anew of a renewed thing', () => {
    const last: Told = { version: 'one', days: 7, at: NOW }
    expect(noticeOf(thing(20, 'two'), last, NOW)).toMatchObject({ isDue: true, told: { days: 30 } })
    expect(noticeOf(thing(365, 'two'), last, NOW)).toEqual({ isDue: false, told: undefined })
  })

  it('is told anew of identities whose first end moved away and came near again', () => {
    const identities = (days: number): Dated => ({
      kind: 'identities',
      name: 'identities of devices',
      version: '',
      notAfter: NOW + days * DAY,
    })
    const first = noticeOf(identities(6), undefined, NOW)
    const away = noticeOf(identities(13), first.told, NOW)
    const again = noticeOf(identities(6), away.told, NOW)
    expect([first, away, again].map(({ isDue }) => isDue)).toEqual([true, false, true])
    expect(noticeOf(identities(29), undefined, NOW).isDue).toBe(false)
  })
})

it('less than a day is no whole day', () => {
  expect([2.5, 1, 0.9, 0, -3].map((days) => daysLeft(NOW + days * DAY, NOW))).toEqual([
    2, 1, 0, 0, 0,
  ])
})
