import { expect, it } from 'vitest'
import type { ChannelStates, StateEntry } from '../../src/ddm/states.ts'
import { countStates, searchStates, storeStates } from '../../src/directory/declarations/states.ts'
import { env } from './server.ts'

function states(
  enrollment: string,
  version: number,
  named: Readonly<Record<string, StateEntry['state']>>,
): ChannelStates {
  const entries = Object.entries(named).map(([identifier, state]): StateEntry => {
    return { identifier, state, code: '', content: '0123abcd', since: version }
  })
  return { enrollment, version, revision: 1, synced: false, reportedAt: 0, states: entries }
}

async function stored(identifier: string): Promise<Record<string, string>> {
  const found = await searchStates(env.DB, { identifier, states: [], after: ['', ''], limit: 1000 })
  return Object.fromEntries(found.map(({ enrollment, state }) => [enrollment, state]))
}

it('each of several channels gets its own states, and loses those that it no longer has', async () => {
  await storeStates(env.DB, [
    states('S1', 1, { 'ex.kept': 'pending', 'ex.left': 'pending' }),
    states('S2', 1, { 'ex.kept': 'pending', 'ex.left': 'pending' }),
    states('S3', 1, { 'ex.kept': 'pending', 'ex.left': 'pending' }),
  ])
  await storeStates(env.DB, [
    states('S1', 2, { 'ex.kept': 'applied' }),
    states('S2', 2, { 'ex.kept': 'failed', 'ex.left': 'applied' }),
    states('S3', 2, {}),
  ])
  expect(await stored('ex.kept')).toEqual({ S1: 'applied', S2: 'failed' })
  expect(await stored('ex.left')).toEqual({ S2: 'applied' })
})

it('earlier states of one channel change nothing, and do not hold up the others', async () => {
  await storeStates(env.DB, [states('T1', 5, { 'ex.late': 'applied' })])
  await storeStates(env.DB, [
    states('T1', 4, { 'ex.old': 'pending' }),
    states('T2', 4, { 'ex.late': 'pending' }),
  ])
  expect(await stored('ex.late')).toEqual({ T1: 'applied', T2: 'pending' })
  expect(await stored('ex.old')).toEqual({})
})

it('channels with thousands of states are stored together', async () => {
  const names = Array.from({ length: 1500 }, (_, n) => `ex.many.${n}`)
  const named = Object.fromEntries(names.map((name) => [name, 'pending' as const]))
  await storeStates(
    env.DB,
    ['M1', 'M2', 'M3'].map((enrollment) => states(enrollment, 1, named)),
  )
  const counted = await countStates(env.DB, ['ex.many.0', 'ex.many.1499'])
  expect(counted.map(({ identifier, count }) => [identifier, count])).toEqual([
    ['ex.many.0', 3],
    ['ex.many.1499', 3],
  ])
})
