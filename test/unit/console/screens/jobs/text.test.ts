import { describe, expect, it } from 'vitest'
import {
  answersOf,
  outcomeOf,
  percent,
  progressOf,
  stateOf,
  titleOf,
} from '../../../../../src/console/screens/jobs/text.ts'

const JOB = {
  id: 'a',
  kind: 'command',
  state: 'running',
  reason: null,
  created_at: '2026-11-24T09:00:00Z',
  ended_at: null,
  paused_at: null,
  command: { request_type: 'ProfileList', command_uuid: 'u' },
  replay: null,
  release: null,
  total: 1240,
  done: 756,
  failed: 2,
  waiting: 482,
  pace: null,
  stop_at_error_rate: null,
  answers: { answered: 0, failed: 0 },
} as const
const OUTCOME = {
  id: 'A',
  state: 'done',
  command_id: 'A.1',
  answer: null,
  known: true,
  events: null,
  released: null,
  error: null,
} as const

describe('a job', () => {
  it('says what it does, and how far it is', () => {
    expect(titleOf(JOB)).toBe('ProfileList to 1,240 devices')
    expect(progressOf(JOB)).toBe('758 of 1,240, 61 %')
    expect(stateOf(JOB).word).toBe('Running')
    expect(stateOf({ ...JOB, paused_at: JOB.created_at }).word).toBe('Paused')
    const halted = { ...JOB, state: 'cancelled', paused_at: JOB.created_at } as const
    expect(stateOf(halted).word).toBe('Halted')
    const finished = { ...JOB, state: 'finished' } as const
    expect(stateOf(finished).word).toBe('Handed out')
    expect(stateOf({ ...finished, done: 0 }).word).toBe('Finished')
    expect(stateOf({ ...finished, command: null }).word).toBe('Finished')
    const round = { ...JOB, kind: 'renewal', command: null } as const
    expect(titleOf(round)).toBe('Renewals of identities: 1,240 devices')
    expect(progressOf(round)).toBe('758 devices so far')
  })

  it('is at 100 % only with the last device, and above nothing with the first', () => {
    expect([percent(0, 10), percent(9999, 10_000), percent(10, 10)]).toEqual([
      '0 %',
      '99 %',
      '100 %',
    ])
    expect([percent(3, 1000), percent(0, 0)]).toEqual(['0.3 %', '0 %'])
  })
})

describe('an outcome', () => {
  it('is the answer of the device, or how far the job came', () => {
    expect(outcomeOf(OUTCOME).word).toBe('Sent')
    expect(outcomeOf({ ...OUTCOME, answer: 'acknowledged' }).word).toBe('Done')
    expect(outcomeOf({ ...OUTCOME, answer: 'not_now' }).word).toBe('Put off by the device')
    expect(outcomeOf({ ...OUTCOME, events: 1 }).word).toBe('1 event posted again')
    expect(outcomeOf({ ...OUTCOME, released: 2 }).word).toBe('2 commands released')
  })

  it('is counted with the equal ones of its page', () => {
    const answers = ['error', 'acknowledged', 'acknowledged'] as const
    const counts = answersOf(answers.map((answer) => ({ ...OUTCOME, answer })))
    expect(counts.map(({ word, count }) => `${count} ${word}`)).toEqual(['2 Done', '1 Refused'])
  })
})
