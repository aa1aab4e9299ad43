import { expect, it } from 'vitest'
import { whyNoUndo } from '../../../../../src/console/screens/device/undo.ts'

type Command = Parameters<typeof whyNoUndo>[0]

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
    (type) => type === 'ShutDownDevice',
  )

it('Undo brings back what goes out at once, and loses nothing', () => {
  expect(why({})).toBeUndefined()
  expect(why({ repeatable: false })).toContain('is not kept')
  expect(why({ request_type: 'ShutDownDevice' })).toContain('it loses something')
  expect(why({ state: 'held' })).toContain('it would go out at once')
  expect(why({ expires_at: '2099-01-01T00:00:00Z' })).toContain('it would go out at once')
})
