import { expect, it } from 'vitest'
import { batchInterval, nextStep, type RoundSoFar } from '../../../../src/jobs/renewal/pace.ts'

const DAY = 86_400_000
const NOW = 100 * DAY
const NONE: RoundSoFar = { sent: 0, renewed: 0, failed: 0, lastSentAt: 0, lastFailure: 'no' }
const CANARIES = { kind: 'send', count: 5, canary: true }
const BATCH = { kind: 'send', count: 5, canary: false }

it.each<[string, Partial<RoundSoFar>, object]>([
  ['nothing was sent', {}, CANARIES],
  ['the canaries are out', { sent: 5, lastSentAt: NOW - 1000 }, { kind: 'wait' }],
  ['the canaries are silent for a day', { sent: 5, lastSentAt: NOW - DAY }, CANARIES],
  ['one canary failed', { sent: 4, failed: 1, lastSentAt: NOW - 1000 }, { kind: 'wait' }],
  ['four canaries failed, and no other answers', { sent: 1, failed: 4, lastSentAt: 0 }, CANARIES],
  ['all that were due failed, and others are due now', { failed: 3 }, CANARIES],
  ['five failed', { failed: 5 }, { kind: 'stop', reason: '5 of 5 renewals failed: no' }],
  ['a canary is renewed', { sent: 4, renewed: 1, lastSentAt: NOW }, BATCH],
  ['a canary is renewed, and all others failed', { renewed: 1, failed: 4 }, BATCH],
  ['others are out', { renewed: 1, sent: 40, lastSentAt: NOW }, BATCH],
  ['a tenth failed', { renewed: 45, failed: 5 }, BATCH],
  [
    'more than a tenth failed',
    { renewed: 44, failed: 5 },
    { kind: 'stop', reason: '5 of 49 renewals failed: no' },
  ],
])('a round of renewals takes the right next step when %s', (_, soFar, step) => {
  expect(nextStep({ ...NONE, ...soFar }, NOW)).toEqual(step)
})

it('a round of renewals sends the number of profiles that is set for an hour', () => {
  expect((3_600_000 / batchInterval(60)) * 5).toBe(60)
})
