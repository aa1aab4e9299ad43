import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { clock } from '../../../../src/clock.ts'
import {
  createLimiter,
  type Limiter,
  type Guest,
  type Leave,
} from '../../../../src/http/device/limiter.ts'

const machine = { ...clock }
let time = 0
let due: { readonly at: number; readonly callback: () => void }[] = []

beforeEach(() => {
  time = 0
  due = []
  Object.assign(clock, {
    now: () => time,
    after: (ms: number, callback: () => void) => {
      due.push({ at: time + ms, callback })
      return () => undefined
    },
  })
})
afterEach(() => Object.assign(clock, machine))

/** Lets so many milliseconds pass, timer by timer. */
async function pass(ms: number): Promise<void> {
  const end = time + ms
  for (;;) {
    const next = due.filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0]
    if (!next) {
      break
    }
    due = due.filter((timer) => timer !== next)
    time = next.at
    next.callback()
    await Promise.resolve()
    await Promise.resolve()
  }
  time = end
}

const narrow = (): Limiter => createLimiter({ places: 2, line: 2, patience: 1000, lease: 5000 })

describe('a gate', () => {
  it('lets a few in, then a bounded line in its order, and turns others away', async () => {
    const gate = narrow()
    const inside = [await gate.enter(), await gate.enter()]
    const came: string[] = []
    const line = ['first', 'second'].map((who) =>
      gate.enter().then((leave) => void came.push(leave ? who : `${who} gave up`)),
    )
    expect(await gate.enter()).toBeUndefined()
    await pass(100)
    expect(came).toEqual([])
    inside[0]?.()
    await pass(100)
    expect(came).toEqual(['first'])
    inside[1]?.()
    await pass(100)
    expect(came).toEqual(['first', 'second'])
    await Promise.all(line)
  })

  it('ends each wait when its time is over', async () => {
    const gate = narrow()
    await Promise.all([gate.enter(), gate.enter()])
    let answer: Leave | 'waits' | undefined = 'waits'
    void gate.enter().then((leave) => (answer = leave))
    await pass(900)
    expect(answer).toBe('waits')
    await pass(200)
    expect(answer).toBeUndefined()
  })

  it('lets one of a name in or into the line', async () => {
    const gate = narrow()
    const leave = await gate.enter({ name: 'A' })
    expect(await gate.enter({ name: 'A' })).toBeUndefined()
    expect(await gate.enter({ name: 'B' })).toBeTypeOf('function')
    void gate.enter({ name: 'C' })
    expect(await gate.enter({ name: 'C' })).toBeUndefined()
    leave?.()
    await pass(100)
    await pass(5000)
    expect(await gate.enter({ name: 'A' })).toBeTypeOf('function')
  })

  it('lets who gives way lose its place to the first in the line, or to a namesake', async () => {
    const gate = narrow()
    const lost: string[] = []
    const slow = (name: string) => ({
      name,
      gives: (to: Guest) => to.isPreferred === true || to.name === name,
      lose: () => void lost.push(name),
    })
    await Promise.all([gate.enter(slow('A')), gate.enter(slow('B'))])
    expect(await gate.enter({ name: 'B' })).toBeTypeOf('function')
    const waits = ['C', 'D'].map((name) => gate.enter({ name }))
    expect(await gate.enter({ name: 'E', isPreferred: true })).toBeTypeOf('function')
    expect(lost).toEqual(['B', 'A'])
    await pass(2000)
    expect(await Promise.all(waits)).toEqual([undefined, undefined])
  })

  it('takes a place back that was never left', async () => {
    const gate = narrow()
    await Promise.all([gate.enter(), gate.enter()])
    await pass(5000)
    expect(await gate.enter()).toBeTypeOf('function')
  })
})
