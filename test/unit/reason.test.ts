import { expect, it } from 'vitest'
import { z } from 'zod'
import { OwnError, reasonOf } from '../../src/reason.ts'

const SECRET = 'hunter2'

function thrownBy(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    return error
  }
}

const sqlite = (text: string) => new Error(text, { cause: new Error(text) })

it.each<[string, unknown, string]>([
  ['our own words', new OwnError('set DM_URL'), 'set DM_URL'],
  [
    'a failed statement',
    new Error('Failed query', { cause: sqlite('D1_ERROR: no such table: profiles: SQLITE_ERROR') }),
    'Failed query: D1_ERROR: no such table: profiles: SQLITE_ERROR',
  ],
  [
    'a full disk',
    new Error('Failed query', { cause: sqlite('D1_ERROR: database or disk is full: SQLITE_FULL') }),
    'Failed query: D1_ERROR: database or disk is full: SQLITE_FULL',
  ],
  [
    'a statement that failed for an unknown reason',
    new Error(`Failed query: insert into x values (${SECRET})`),
    'Failed query',
  ],
  [
    'words of D1 that are not on the list',
    new Error(`D1_ERROR: near "${SECRET}": syntax error at offset 3: SQLITE_ERROR`),
    'D1_ERROR: SQLITE_ERROR',
  ],
  [
    'a broken constraint',
    new Error('UNIQUE constraint failed: devices.serial: SQLITE_CONSTRAINT (extended: …)'),
    'UNIQUE constraint failed: devices.serial: SQLITE_CONSTRAINT',
  ],
  [
    'R2’s words',
    new Error('get: We encountered an internal error. Please try again. (10001)'),
    'get: We encountered an internal error. Please try again. (10001)',
  ],
  ['a lost connection', new Error('Network connection lost.'), 'Network connection lost'],
  [
    'the platform’s reference',
    new Error('internal error; reference = abc123'),
    'internal error; reference = abc123',
  ],
  [
    'an overload',
    new Error('Durable Object is overloaded. Too many requests queued.'),
    'Durable Object is overloaded',
  ],
  [
    'the code of a failed connection',
    new TypeError(`fetch failed for https://u:${SECRET}@host/`, {
      cause: Object.assign(new AggregateError([new Error(SECRET)], SECRET), {
        code: 'ECONNREFUSED',
      }),
    }),
    'TypeError (ECONNREFUSED) at reason.test.ts:',
  ],
  ['a thrown text', SECRET, 'something was thrown that is no error'],
])('the reason of an error shows %s', (_, error, reason) => {
  expect(reasonOf(error)).toMatch(reason)
  expect(reasonOf(error)).not.toContain(SECRET)
})

it.each<[string, unknown]>([
  ['JSON that cannot be read', thrownBy(() => JSON.parse(`{"pin": ${SECRET}}`))],
  ['a URL', thrownBy(() => new URL(`http://u:${SECRET}@[`))],
  ['a value that a schema refuses', thrownBy(() => z.enum([SECRET]).parse('other'))],
  ['an error behind a failed query’s words', new Error(`x\nFailed query: ${SECRET}`)],
  ['lines that look like a stack', new Error(`x\n    at ${SECRET}:1:1`)],
  ['a name made of data', Object.assign(new Error('x'), { name: `${SECRET} 1` })],
  ['a code made of data', Object.assign(new Error('x'), { code: SECRET })],
  ['a foreign error with our name', Object.assign(new Error(SECRET), { name: 'OwnError' })],
])('the reason of an error does not quote %s', (_, error) => {
  expect(error).toBeInstanceOf(Error)
  expect(reasonOf(error)).toContain('its text is withheld')
  expect(reasonOf(error)).not.toContain(SECRET)
})

it('a reason has an end for every chain of errors', () => {
  const error = new Error('x')
  error.cause = new AggregateError(Array.from({ length: 1000 }, () => error))
  expect(reasonOf(error)).toMatch(/^Error at /)
  expect(reasonOf(new OwnError('x'.repeat(1e6))).length).toBeLessThan(400)
})
