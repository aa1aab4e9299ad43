import { expect, it } from 'vitest'
import { CHECKS } from '../../../src/health/checks.ts'
import type { Facts } from '../../../src/health/facts.ts'

type Down = NonNullable<Facts['standing']>['watched']['down']

function textsOf(down: Down): string[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the check of webhooks reads
  const standing = { watched: { down }, beats: {} } as unknown as Facts['standing']
  const facts: Facts = { now: 1, standing, dated: [], hasApns: true }
  const check = CHECKS.find(({ id }) => id === 'webhooks')
  return (check?.find(facts) ?? []).map(({ text, webhook }) => `${webhook}: ${text}`)
}

it('receivers that are down at one host are told apart by the ids of their webhooks', () => {
  const trouble = { since: 1, reason: 'connection lost' }
  expect(textsOf({ one: { ...trouble, host: 'a.example' }, webhook: trouble })).toEqual([
    'one: the receiver of the webhook at a.example is down: connection lost',
    'webhook: the receiver of the webhook webhook is down: connection lost',
  ])
  const two = { one: { ...trouble, host: 'a.example' }, two: { ...trouble, host: 'a.example' } }
  expect(textsOf(two)).toEqual([
    'one: the receiver of the webhook at a.example (one) is down: connection lost',
    'two: the receiver of the webhook at a.example (two) is down: connection lost',
  ])
})
