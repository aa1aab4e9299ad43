import type { StepState } from '../store/rows/setup.ts'

/** The step is over. */
export function isOver(state: StepState): boolean {
  return state !== 'waiting' && state !== 'sent' && state !== 'watched'
}

/** It is over, and nothing is wrong. */
export function isDone(state: StepState): boolean {
  return state === 'done' || state === 'skipped'
}
