import { beforeEach, expect, it, vi } from 'vitest'
import { clock } from '../../../src/clock.ts'
import {
  type EnrolmentStep,
  newestSteps,
  noteStep,
  reportSteps,
  seenSteps,
} from '../../../src/figures/steps.ts'

let now = Date.UTC(2100)
beforeEach(() => {
  vi.spyOn(clock, 'now').mockImplementation(() => now)
  now += 60_000
})

/** Lets an isolate report to an object. @returns what the object got */
async function reported(fails = false): Promise<readonly EnrolmentStep[] | undefined> {
  const work: Promise<void>[] = []
  let got: readonly EnrolmentStep[] | undefined
  const noteSteps = async (steps: readonly EnrolmentStep[]) => {
    if (fails) {
      throw new Error('gone')
    }
    got = steps
  }
  reportSteps({ CONTROL: { getByName: () => ({ noteSteps }) } }, (one) => work.push(one))
  await Promise.all(work)
  return got
}

it('a stranger who repeats a step pushes none of another kind out', () => {
  noteStep('enrolled', 'Ada’s Mac', 'A')
  for (let n = 0; n < 100; n++) {
    now++
    noteStep('refused', `no token ${n}`)
  }
  const kinds = seenSteps().map(({ kind }) => kind)
  expect(kinds.filter((kind) => kind === 'refused')).toHaveLength(10)
  expect(kinds).toContain('enrolled')
  expect(seenSteps()[0]?.detail).toBe('no token 99')
})

it('a device that repeats a step has its newest one, and pushes no other device out', () => {
  noteStep('checked_in', 'Ada’s Mac', 'A')
  for (let n = 0; n < 100; n++) {
    now++
    noteStep('checked_in', `B ${n}`, 'B')
  }
  const steps = seenSteps().filter(({ kind }) => kind === 'checked_in')
  expect(steps.map(({ detail }) => detail)).toEqual(['B 99', 'Ada’s Mac'])
})

it('steps that a stranger can cause are handed on every 2 seconds at most', async () => {
  await reported()
  now += 2000
  noteStep('profile_sent', 'one')
  expect(await reported()).toHaveLength(1)
  noteStep('profile_sent', 'two')
  expect(await reported()).toBeUndefined()
  now += 2000
  expect((await reported())?.map(({ detail }) => detail)).toEqual(['two'])
})

it('a device that enrols is handed on within 250 milliseconds, with what waited', async () => {
  now += 2000
  noteStep('profile_sent', 'before')
  await reported()
  noteStep('refused', 'waits')
  noteStep('enrolled', 'Ada’s Mac', 'A')
  now += 249
  expect(await reported()).toBeUndefined()
  now++
  expect((await reported())?.map(({ kind }) => kind)).toEqual(['enrolled', 'refused'])
})

it('steps that do not reach the object are handed on with later ones', async () => {
  noteStep('enrolled', 'first', 'A')
  await reported(true)
  now += 250
  noteStep('enrolled', 'second', 'B')
  const details = (await reported())?.map(({ detail }) => detail)
  expect(details).toEqual(['second', 'first'])
})

it('a step that two lists have stands once, and a long text of a sender is cut', () => {
  noteStep('refused', 'x'.repeat(5000))
  const steps = newestSteps(seenSteps(), seenSteps())
  expect(steps).toEqual(seenSteps())
  expect(steps[0]?.detail).toHaveLength(200)
})
