import { describe, expect, it } from 'vitest'
import {
  autoAssignment,
  needsAssignment,
  nextAssignTry,
  readDetails,
  readOutcomes,
  serialCalls,
} from '../../../src/dep/assignments.ts'
import { NOW } from './apple.ts'

const HOUR = 3_600_000

describe('calls about devices', () => {
  const many = Array.from({ length: 2000 }, (_, n) => `C${n}`)

  it('name at most 1,000 of them each, and all of them once', () => {
    const calls = serialCalls('assign', [...many, 'C7', 'X'], 'U')
    expect(calls.map(({ serials }) => serials.length)).toEqual([1000, 1000, 1])
    expect(calls.flatMap(({ serials }) => serials)).toEqual([...many, 'X'])
    expect(serialCalls('assign', many, 'U')).toHaveLength(2)
  })

  it.each([
    [
      'assign',
      { method: 'POST', path: '/profile/devices', body: { profile_uuid: 'U', devices: ['A'] } },
    ],
    [
      'remove',
      { method: 'DELETE', path: '/profile/devices', body: { profile_uuid: 'U', devices: ['A'] } },
    ],
  ] as const)('%s a profile', (kind, call) => {
    expect(serialCalls(kind, ['A'], 'U')).toEqual([{ serials: ['A'], call }])
  })

  it.each([
    ['remove', 'DELETE', '/profile/devices'],
    ['details', 'POST', '/devices'],
    ['disown', 'POST', '/devices/disown'],
  ] as const)('%s without a profile', (kind, method, path) => {
    const [one] = serialCalls(kind, ['A'])
    expect(one?.call).toEqual({ method, path, body: { devices: ['A'] } })
  })

  it('are none for no devices', () => {
    expect(serialCalls('details', [])).toEqual([])
  })
})

describe('the outcome of an assignment', () => {
  it('is read for each device; one that is missing has failed', () => {
    const json = {
      devices: { A: 'SUCCESS', B: 'NOT_ACCESSIBLE', C: 'THROTTLED', D: 'FAILED', E: 'NEW_WORD' },
      retry_after_seconds: 3600,
    }
    const { outcomes, retryAfter } = readOutcomes(json, ['A', 'B', 'C', 'D', 'E', 'F'])
    expect(Object.fromEntries(outcomes)).toEqual({
      A: 'SUCCESS',
      B: 'NOT_ACCESSIBLE',
      C: 'THROTTLED',
      D: 'FAILED',
      E: 'FAILED',
      F: 'FAILED',
    })
    expect(retryAfter).toBe(HOUR)
  })

  it('has failed for all when the answer is no object', () => {
    expect(readOutcomes('x', ['A'])).toEqual({ outcomes: new Map([['A', 'FAILED']]) })
  })

  it.each([
    ['SUCCESS', 0, undefined, 0],
    ['THROTTLED', 3, HOUR / 2, NOW + HOUR / 2],
    ['THROTTLED', 3, undefined, NOW + HOUR],
    ['THROTTLED', 0, 1000 * HOUR, NOW + 7 * 24 * HOUR],
    ['FAILED', 0, undefined, NOW + HOUR],
    ['FAILED', 1, undefined, NOW + 24 * HOUR],
    ['FAILED', 9, HOUR, NOW + 24 * HOUR],
    ['NOT_ACCESSIBLE', 0, HOUR, NOW + 24 * HOUR],
  ] as const)(
    '%s after %d failures and a wait of %s is tried at %d',
    (outcome, tries, wait, at) => {
      expect(nextAssignTry(outcome, tries, wait, NOW)).toBe(at)
    },
  )
})

it('details leave out devices that are not ours', () => {
  const devices = {
    A: { serial_number: 'A', profile_status: 'pushed', response_status: 'SUCCESS' },
    B: { serial_number: 'B', response_status: 'NOT_ACCESSIBLE' },
    C: null,
  }
  expect(Object.fromEntries(readDetails({ devices }))).toEqual({ A: devices.A })
  expect(readDetails(undefined).size).toBe(0)
})

describe('a profile is wanted', () => {
  it.each([
    { profile_uuid: 'U', profile_status: 'assigned', needed: false, auto: 'none' },
    { profile_uuid: 'U', profile_status: 'pushed', needed: false, auto: 'none' },
    { profile_uuid: 'U', profile_status: 'removed', needed: true, auto: 'assign' },
    { profile_uuid: 'U', profile_status: 'empty', needed: true, auto: 'assign' },
    { needed: true, auto: 'assign' },
    { profile_uuid: 'OLD', profile_status: 'pushed', needed: true, auto: 'assign' },
    { profile_uuid: 'FOREIGN', profile_status: 'assigned', needed: true, auto: 'foreign' },
    { profile_uuid: 'FOREIGN', profile_status: 'removed', needed: true, auto: 'assign' },
    { op_type: 'modified', profile_status: 'removed', needed: true, auto: 'assign' },
    { op_type: 'deleted', profile_status: 'empty', needed: false, auto: 'none' },
  ])('by $profile_uuid $profile_status $op_type: $needed, $auto', ({ needed, auto, ...record }) => {
    const device = { serial_number: 'A', ...record }
    expect(needsAssignment(device, 'U')).toBe(needed)
    expect(autoAssignment(device, 'U', new Set(['OLD']))).toBe(auto)
  })

  it('by no rule: nothing is to be done', () => {
    expect(needsAssignment({ serial_number: 'A' }, '')).toBe(false)
  })
})
