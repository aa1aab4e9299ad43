import { describe, expect, it } from 'vitest'
import type { DepAnswer } from '../../../src/dep/client.ts'
import {
  type DepStanding,
  expiryNotice,
  GOOD_STANDING,
  depStandingAfter,
} from '../../../src/dep/standing.ts'
import { NOW } from './apple.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const OK: DepAnswer = { kind: 'ok', status: 200, json: {}, session: 's' }
const GONE: DepAnswer = { kind: 'unreachable', reason: 'x' }
const refused = (
  at: 'session' | 'call',
  status: number,
  code = '',
  more: { retryAt?: number } = {},
): DepAnswer => ({ kind: 'refused', at, status, code, ...more })

/** The standing after several answers, each of them a second after the one before it. */
function after(...answers: readonly DepAnswer[]): DepStanding {
  return answers.reduce(
    (standing, answer, n) => depStandingAfter(standing, answer, NOW + n * SECOND),
    GOOD_STANDING,
  )
}

describe('a flag', () => {
  it.each([
    { answer: refused('session', 403, 'T_C_NOT_SIGNED'), flag: 'terms' },
    { answer: refused('call', 403, 'T_C_NOT_SIGNED'), flag: 'terms' },
    { answer: refused('session', 401, 'TOKEN_REJECTED'), flag: 'token_invalid' },
    { answer: refused('session', 403, 'TOKEN_REJECTED'), flag: 'token_invalid' },
    { answer: refused('session', 401, 'ACCESS_TOKEN_EXPIRED'), flag: 'token_invalid' },
    { answer: refused('session', 403, 'ACCESS_DENIED'), flag: 'access_denied' },
  ])('$flag is set by $answer, and work rests for an hour', ({ answer, flag }) => {
    expect(after(answer)).toMatchObject({ flag, since: NOW, notBefore: 0, restUntil: NOW + HOUR })
  })

  it.each([
    { answer: refused('call', 403, 'ACCESS_DENIED') },
    { answer: refused('call', 403, 'XT_C_NOT_SIGNED') },
    { answer: refused('call', 401) },
    { answer: refused('call', 400, 'INVALID_CURSOR') },
  ])('is not set by $answer', ({ answer }) => {
    expect(after(answer)).toEqual(GOOD_STANDING)
  })

  it('keeps its beginning when the same refusal comes again', () => {
    const terms = refused('session', 403, 'T_C_NOT_SIGNED')
    expect(after(terms, GONE, terms)).toMatchObject({
      since: NOW,
      restUntil: NOW + 2 * SECOND + HOUR,
    })
    expect(after(terms, refused('session', 401))).toMatchObject({ since: NOW + SECOND })
  })

  it('stays after an error of another kind, and ends with a good answer', () => {
    const terms = refused('call', 403, 'T_C_NOT_SIGNED')
    expect(after(terms, refused('call', 400, 'INVALID_CURSOR'))).toMatchObject({ flag: 'terms' })
    expect(after(terms, OK)).toEqual(GOOD_STANDING)
  })

  it('is not set by a login that Apple refuses for the clock; work rests', () => {
    expect(after(refused('session', 400))).toMatchObject({ flag: '', restUntil: NOW + HOUR })
  })
})

describe('a deadline', () => {
  it('of Apple stops calls of any kind', () => {
    const answer = refused('call', 429, '', { retryAt: NOW + 5 * MINUTE })
    expect(after(answer)).toMatchObject({ flag: '', notBefore: NOW + 5 * MINUTE })
  })

  it('that Apple does not name is a minute, then twice as long each time up to an hour', () => {
    const waits = Array.from({ length: 8 }, (_, n) => {
      const answers = Array.from({ length: n + 1 }, () => refused('call', 429))
      return (after(...answers).notBefore - NOW - n * SECOND) / MINUTE
    })
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60])
  })

  it('ends with a good answer', () => {
    expect(after(refused('call', 429), OK)).toEqual(GOOD_STANDING)
  })
})

it('without an answer five tries follow faster than the next sync', () => {
  const waits = Array.from({ length: 7 }, (_, n) => {
    const { restUntil, notBefore } = after(...Array.from({ length: n + 1 }, () => GONE))
    expect(notBefore).toBe(0)
    return (restUntil - NOW - n * SECOND) / SECOND
  })
  expect(waits).toEqual([2, 4, 8, 16, 32, 1800, 2])
})

describe('the end of a token', () => {
  it.each([
    { left: 61 * DAY, told: undefined, notice: undefined },
    { left: 60 * DAY, told: undefined, notice: 60 },
    { left: 59 * DAY, told: 60, notice: undefined },
    { left: 3 * DAY, told: 60, notice: 7 },
    { left: DAY, told: 7, notice: 1 },
    { left: HOUR, told: 1, notice: undefined },
    { left: 0, told: 1, notice: 0 },
    { left: -DAY, told: 0, notice: undefined },
  ])('$left ms ahead, after the notice of $told days, needs that of $notice', (given) => {
    expect(expiryNotice(NOW + given.left, NOW, given.told)).toBe(given.notice)
  })
})
