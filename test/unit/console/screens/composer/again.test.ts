import { expect, it } from 'vitest'
import { timesAgain } from '../../../../../src/console/screens/composer/again.ts'

const NOW = Date.parse('2026-11-24T10:00:00Z')
const AHEAD = '2026-11-24T22:00:30.000Z'
const PAST = '2026-11-24T09:59:00.000Z'

const again = (from: string | null, until: string | null) =>
  timesAgain({ not_before: from, expires_at: until }, NOW)

it('an earlier command keeps the times that are ahead, in whole minutes', () => {
  const { times, dropped } = again(AHEAD, AHEAD)
  expect(new Date(times.from).toISOString()).toBe('2026-11-24T22:01:00.000Z')
  expect(times.until).toBe(times.from)
  expect(dropped).toBe('')
  expect(again(null, null)).toEqual({ times: { from: '', until: '' }, dropped: '' })
})

it('a time that is past is left out, and that is said', () => {
  expect(again(PAST, AHEAD)).toMatchObject({
    times: { from: '', until: expect.stringMatching(/^2026-11-2/) },
    dropped: 'Its planned time is past: it would go out at once.',
  })
  expect(again(PAST, PAST).dropped).toContain('Its end is past')
  expect(again(null, PAST).times).toEqual({ from: '', until: '' })
})
