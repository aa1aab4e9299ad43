import { expect, it } from 'vitest'
import { noAnswer } from '../../../../../../src/console/api/fault.ts'
import { takenFault } from '../../../../../../src/console/screens/enrolment/form/taken.ts'

it('a name is free only if the server says that nothing has it', () => {
  const missing = { ...noAnswer(), status: 404 }
  const there = { ok: true } as const
  expect(takenFault({ ok: false, fault: missing }, 'Taken', 'param.id')).toBe(undefined)
  expect(takenFault({ ok: false, fault: noAnswer() }, 'Taken', 'param.id')).toEqual(noAnswer())
  expect(takenFault(there, 'Taken', 'param.id')?.errors).toEqual([
    { at: 'param.id', detail: 'Taken' },
  ])
})
