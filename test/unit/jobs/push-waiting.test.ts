import { expect, it } from 'vitest'
import { clock } from '../../../src/clock.ts'
import type { Round, RoundEnv } from '../../../src/jobs/work.ts'
import { pushWaitingKind, pushWaitingRound } from '../../../src/jobs/push-waiting.ts'

const round = (work: string): Round => ({
  work,
  since: 0,
  settings: () => ({}),
  isOver: () => false,
})
const now = clock.now()
const START = pushWaitingRound('topic', now).work
const after = (place: string): string => JSON.stringify({ topic: 'topic', place, until: now })

/** A directory of so many devices under a circuit. `asked` has each device that was asked, and its `tries`. */
function deployment(count: number, circuit: { open: string | undefined; until: number }) {
  const asked: (readonly [string, boolean])[] = []
  const ids = Array.from({ length: count }, (_, n) => `D${String(n).padStart(2, '0')}`)
  const page = (place: string) => ids.filter((id) => id > place).slice(0, 25)
  const bind = (place: string) => ({
    all: async () => ({ results: page(place).map((id) => ({ id })) }),
  })
  const env = {
    DB: { prepare: () => ({ bind }) },
    PUSH: { getByName: () => ({ state: async () => circuit }) },
    DEVICE: {
      getByName: (id: string) => ({
        pushWaiting: async (tries: boolean) => {
          asked.push([id, tries])
          if (id === 'D01') {
            throw new Error('the object is broken')
          }
        },
      }),
    },
  } as unknown as RoundEnv
  return { asked, step: (work: string) => pushWaitingKind.step(env, round(work)) }
}

it('waiting pushes go out to 25 devices a second, page by page', async () => {
  const { asked, step } = deployment(30, { open: undefined, until: 0 })
  const first = await step(START)
  expect(first).toMatchObject({ total: 25, failed: 1, work: after('D24'), after: { kind: 'wait' } })
  expect(first.after).toHaveProperty(
    'until',
    expect.toSatisfy((at: number) => at >= now + 1000),
  )
  expect(await step(first.work)).toEqual({
    total: 5,
    failed: 0,
    work: START,
    after: { kind: 'finished' },
  })
  expect(asked).toHaveLength(30)
  expect(asked.every(([, tries]) => !tries)).toBe(true)
})

it('no device is asked while an open circuit holds pushes back', async () => {
  const until = now + 3_600_000
  const { asked, step } = deployment(30, { open: 'BadCertificate', until })
  expect(await step(after('D07'))).toEqual({
    total: 0,
    failed: 0,
    work: after('D07'),
    after: { kind: 'wait', until },
  })
  expect(asked).toEqual([])
})

it('when the time of an open circuit is over, devices try, and the walk rests at its end', async () => {
  const { asked, step } = deployment(3, { open: 'BadCertificate', until: 0 })
  const end = await step(START)
  expect(asked).toEqual([
    ['D00', true],
    ['D01', true],
    ['D02', true],
  ])
  expect(end).toMatchObject({ total: 3, failed: 1, work: START, after: { kind: 'wait' } })
  expect(end.after).toHaveProperty(
    'until',
    expect.toSatisfy((at: number) => at >= now + 900_000),
  )
})
