import { expect, it } from 'vitest'
import { faultOf } from '../../../../src/console/api/fault.ts'

function detailOf(detail: string): string {
  return faultOf(403, JSON.stringify({ code: 'missing_scope', detail })).detail
}

it('a key without a scope is a sentence for a person', () => {
  const end = 'Ask the person who gave it to you, or sign in with another key.'
  const said = (scope: string) =>
    `key "a lacks scope b:" lacks scope ${scope}: use a key that has it; GET /api/whoami shows the scopes`
  expect(detailOf(said('read'))).toBe(`Your key lacks the scope read. ${end}`)
  expect(detailOf(said('admin or read'))).toBe(`Your key lacks the scope admin or read. ${end}`)
})

it('another sentence of the server stays as it is', () => {
  expect(detailOf('key "ci" lacks admin: this call needs all')).toContain('needs all')
  expect(faultOf(409, '{"code":"conflict","detail":"x lacks scope y:"}').detail).toBe(
    'x lacks scope y:',
  )
})
