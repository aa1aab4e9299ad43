import { expect, it } from 'vitest'
import {
  askedAgain,
  whyNoUndo,
  type Losing,
} from '../../../../../src/console/screens/device/undo.ts'

type Command = Parameters<typeof whyNoUndo>[0]

const NOW = Date.parse('2026-11-24T10:00:00Z')
const AHEAD = '2099-01-01T00:00:00Z'
const PAST = '2020-01-01T00:00:00Z'
const loses: Losing = (type) =>
  type === 'ShutDownDevice' ? 'destructive' : type === 'RemoveProfile' ? 'command' : undefined

const why = (more: Partial<Command>): string | undefined =>
  whyNoUndo(
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what it reads is there
    {
      repeatable: true,
      request_type: 'ProfileList',
      state: 'queued',
      expires_at: null,
      ...more,
    } as Command,
    loses,
  )

it('Undo brings back what goes out at once, and loses nothing', () => {
  expect(why({})).toBeUndefined()
  expect(why({ repeatable: false })).toContain('is not kept')
  expect(why({ request_type: 'ShutDownDevice' })).toContain('it loses something')
  expect(why({ request_type: 'RemoveProfile' })).toContain('it loses something')
  expect(why({ state: 'held' })).toContain('it would go out at once')
  expect(why({ expires_at: '2099-01-01T00:00:00Z' })).toContain('it would go out at once')
})

it.each([
  ['ProfileList', null, null, undefined],
  ['ProfileList', PAST, PAST, undefined],
  ['ProfileList', AHEAD, null, 'command'],
  ['ProfileList', null, AHEAD, 'command'],
  ['RemoveProfile', null, null, 'command'],
  ['ShutDownDevice', AHEAD, null, 'destructive'],
])(
  'a retry of %s from %s until %s goes through the form of the scope: %s',
  (request_type, not_before, expires_at, scope) => {
    expect(askedAgain({ request_type, not_before, expires_at }, loses, NOW)).toBe(scope)
  },
)
