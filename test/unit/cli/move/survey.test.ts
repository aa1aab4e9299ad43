import { expect, it } from 'vitest'
import { planOfBindings } from '../../../../src/cli/move/plan.ts'
import { surveyOf } from '../../../../src/cli/move/survey.ts'
import { command, device, NOW, planOf, queue } from './fleet.ts'

const HOUR = 3_600_000

const textOf = (plan: ReturnType<typeof planOf>, verbose = false): string =>
  surveyOf(plan, { verbose, now: NOW }).join('\n')

it('commands are counted by type and age, and each destructive one is named', () => {
  const text = textOf(
    planOf([
      device(
        'UDID-1',
        queue(
          command('A', 'ProfileList', NOW - HOUR),
          command('B', 'ProfileList', NOW - 48 * HOUR),
          command('C', 'ProfileList'),
          command('D', 'DeviceLock', NOW - 1000 * HOUR),
        ),
      ),
    ]),
  )
  expect(text).toContain('ProfileList: 3 (1 under a day, 1 under a week, 1 of unknown age)')
  expect(text).toMatch(/DeviceLock: 1 \(1 older\)\n.*each is released by itself\n +D for UDID-1/)
})

it('what is odd is grouped by kind, with its sentence and the first ids', () => {
  const odd = Array.from({ length: 7 }, (_, n) => ({
    what: 'retired' as const,
    about: `UDID-${n}`,
    detail: 'An admin removed it.',
  }))
  const plan = planOf([], { odd })
  expect(textOf(plan)).toMatch(
    /Odd:\n +retired \(7\)\n +An admin removed it\.\n +UDID-0, UDID-1, UDID-2, UDID-3, UDID-4 and 2 more/,
  )
  expect(textOf(plan, true)).toContain('UDID-5, UDID-6')
})

it('each blocked device is listed, and counts as none that can be pushed', () => {
  const blocked = Array.from({ length: 9 }, (_, n) => device(`B-${n}`, { blocked: true }))
  const text = textOf(planOf([...blocked, device('UDID-1')]))
  expect(text).toContain('Blocked devices: 9.')
  expect(text).toContain('B-8 S-B-8')
  expect(text).toContain('1 push token of the topic')
})

it('a table of bindings is counted in one line, without what it cannot have', () => {
  const devices = [device('UDID-1'), device('UDID-2')]
  const text = textOf(planOfBindings('bindings.tsv', { devices, odd: [] }))
  expect(text).toBe('bindings.tsv: 2 bindings of 2 devices')
})

it('what has no room here yet is named with its size', () => {
  const data = Buffer.from('blue').toString('base64')
  const text = textOf(planOf([], { kept: [{ kind: 'queue', name: 'typo', data }] }))
  expect(text).toMatch(/Kept as it came.*\n +queue: 1, 4 bytes/)
})
