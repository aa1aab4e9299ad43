import { expect, it } from 'vitest'
import { inOrder } from '../../../../../src/console/screens/command/text.ts'

type Step = Parameters<typeof inOrder>[0][number]

const step = (what: Step['what'], at: string): Step => ({
  what,
  at: `2026-11-30T09:00:${at}Z`,
  times: 1,
  last_at: '',
  detail: null,
})

it('puts the push before the device’s visit of the same second, and later steps by their times', () => {
  const steps = [
    step('queued', '00.000'),
    step('handed_out', '01.100'),
    step('pushed', '01.900'),
    step('answered', '02.000'),
  ]
  expect(inOrder(steps).map(({ what }) => what)).toEqual([
    'queued',
    'pushed',
    'handed_out',
    'answered',
  ])
  const late = [step('pushed', '05.000'), step('handed_out', '03.000')]
  expect(inOrder(late).map(({ what }) => what)).toEqual(['handed_out', 'pushed'])
})
