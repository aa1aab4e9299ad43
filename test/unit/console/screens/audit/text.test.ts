import { expect, it } from 'vitest'
import { actionWords } from '../../../../../src/console/screens/audit/actions.ts'
import { outcomeWords } from '../../../../../src/console/screens/audit/text.ts'
import { RIGHTS } from '../../../../../src/http/access/rights/table.ts'

/** Actions without a route of their own. */
const OTHERS = ['session.open', 'server.claim', 'audit.expire']

it('each action of the table of rights has words', () => {
  const actions = Object.values(RIGHTS).flatMap((right) =>
    typeof right === 'string' ? [] : [right[1]],
  )
  const bare = [...actions, ...OTHERS].filter((action) => actionWords(action).includes('.'))
  expect(new Set(bare)).toEqual(new Set())
  expect(actionWords('device.block')).toBe('Device blocked')
  expect(actionWords('command.clear')).toBe('Waiting commands of a device cancelled')
})

it('an action that this page does not know stays as it is', () => {
  expect(actionWords('moon.put')).toBe('moon.put')
  expect(actionWords('device.fly')).toBe('device.fly')
})

it('a deed that was asked for says whether it then failed', () => {
  const row = (request_id: string | null, outcome: string) => ({ request_id, outcome })
  const rows = [row('a', 'answered 409'), row('a', 'asked'), row('b', 'asked')]
  expect(rows.map((one) => outcomeWords(one, rows))).toEqual([
    'Did not happen (409)',
    'Did not happen (409)',
    'No failure noted',
  ])
  expect(outcomeWords(row('c', 'answered 500'), [])).toBe('Failed, perhaps in part (500)')
  const unknown = [row(null, 'answered 409'), row(null, 'asked')]
  expect(outcomeWords(row(null, 'asked'), unknown)).toBe('No failure noted')
  expect(outcomeWords(row('d', 'done'), rows)).toBe('Done')
  const queued = [row('e', 'done'), row('e', 'asked')]
  expect(queued.map((one) => outcomeWords(one, queued))).toEqual(['Done', 'Done'])
})
