import { describe, expect, it } from 'vitest'
import { LASTING } from '../../../../../src/commands/request-types.ts'
import {
  reasonsBefore,
  revealedOf,
  SECRET_WORDS,
  secretsOfDevice,
  spelt,
  tokenText,
} from '../../../../../src/console/screens/device/secret-words.ts'
import { time } from './device.ts'

const token = (id: string, at: number, archived: number | null) => ({
  id,
  kind: 'unlock_token' as const,
  stored_at: time(at),
  archived_at: archived === null ? null : time(archived),
})
const lock = (n: number, at: number) => ({
  command_id: `UDID.${n}`,
  request_type: 'DeviceLock',
  state: 'acknowledged' as const,
  queued_at: time(at),
  answered_at: time(at),
  secrets: ['command.PIN'],
})

it('every type whose payload stays has words', () => {
  expect(Object.keys(SECRET_WORDS).toSorted()).toEqual(LASTING.toSorted())
})

it('the newest secret comes first, and those of ended enrolments last', () => {
  const all = secretsOfDevice(
    [token('1', 0, 50), token('2', 100, null)],
    [lock(7, 300), lock(3, 60)],
  )
  expect(all.map(({ id }) => id)).toEqual(['command:7', 'token:2', 'command:3', 'token:1'])
  expect(all[0]).toMatchObject({ label: 'Lock PIN', origin: 'DeviceLock, carried out' })
})

it('three different reasons are offered, the newest first', () => {
  const reads = ['a', 'b', 'a', 'c', 'd'].map((reason) => ({ reason }))
  expect(reasonsBefore(reads)).toEqual(['a', 'b', 'c'])
})

describe('a revealed command', () => {
  const bodies = {
    command: { RequestType: 'DeviceLock', PIN: '482913' },
    result: { UnlockToken: { $data: 'AAEC' }, Many: { a: 1, b: [2] } },
  }
  it('shows the named values alone', () => {
    expect(revealedOf(['command.PIN', 'result.UnlockToken', 'result.Gone'], bodies)).toEqual([
      { name: 'PIN', text: '482913' },
      { name: 'UnlockToken', text: 'AAEC' },
    ])
    expect(revealedOf(['result.Many'], bodies)[0]?.text).toContain('"b": [')
    expect(revealedOf(['command'], { command: { $data: 'AA==' }, result: null })).toEqual([
      { name: 'command', text: 'AA==' },
    ])
  })
})

it('a password is text, and a token base64', () => {
  expect(tokenText('admin_password', btoa('Pq7'))).toBe('Pq7')
  expect(tokenText('activation_lock_bypass', btoa('AB2C3'))).toBe('AB2C3')
  expect(tokenText('unlock_token', 'AAEC')).toBe('AAEC')
})

it('signs that look alike are spelt out', () => {
  expect(spelt('0Ol1 x').map(({ name }) => name)).toEqual([
    'zero',
    'capital O',
    'small L',
    'one',
    'space',
    'small x',
  ])
})
