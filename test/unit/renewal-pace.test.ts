import { expect, it } from 'vitest'
import { batchInterval, nextStep, type RoundSoFar } from '../../src/delivery/renewal-pace.ts'

const DAY = 86_400_000
const NOW = 100 * DAY
const NONE: RoundSoFar = { sent: 0, renewed: 0, failed: 0, lastSentAt: 0, lastFailure: 'no' }
const CANARY = { kind: 'send', count: 1, canary: true }
const BATCH = { kind: 'send', count: 5, canary: false }

it.each<[string, Partial<RoundSoFar>, object]>([
  ['nothing was sent', {}, CANARY],
  ['the canary is out', { sent: 1, lastSentAt: NOW - 1000 }, { kind: 'wait' }],
  ['the canary is silent for a day', { sent: 1, lastSentAt: NOW - DAY }, CANARY],
  ['the canary failed', { failed: 1 }, { kind: 'stop', reason: 'the first renewal failed: no' }],
  ['the canary is renewed', { renewed: 1 }, BATCH],
  ['others are out', { renewed: 1, sent: 40, lastSentAt: NOW }, BATCH],
  ['two failed of three', { renewed: 1, failed: 2 }, BATCH],
  ['a tenth failed', { renewed: 27, failed: 3 }, BATCH],
  [
    'more than a tenth failed',
    { renewed: 26, failed: 3 },
    { kind: 'stop', reason: '3 of 29 renewals failed: no' },
  ],
])('a round of renewals takes the right next step when %s', (_, soFar, step) => {
  expect(nextStep({ ...NONE, ...soFar }, NOW)).toEqual(step)
})

it('a round of renewals sends the number of profiles that is set for an hour', () => {
  expect((3_600_000 / batchInterval(60)) * 5).toBe(60)
})
