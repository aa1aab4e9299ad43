import { describe, expect, it } from 'vitest'
import { storeStates } from '../../src/directory/declarations/states.ts'
import { stateCountsOf } from '../../src/http/api/declarations/counts.ts'
import { clock, turn } from './clock.ts'
import {
  at,
  newName,
  newSet,
  PASSCODE,
  put,
  TYPE,
  type List,
  type Problem,
} from './declaration-api.ts'
import { api, env } from './server.ts'

interface Listed {
  id: string
  sets: string[]
  states: Record<string, number>
}

async function failOn(enrollment: string, identifier: string): Promise<void> {
  const since = clock.now()
  const facts = { enrollment, version: since, revision: 1, synced: true, reportedAt: since }
  const state = { identifier, state: 'failed', code: 'Error.X', content: '', since } as const
  await storeStates(env.DB, [{ ...facts, states: [state] }])
}

const list = async (query: string) =>
  (await api<List<Listed>>('GET', `/api/declarations?${query}`)).body.items

describe('the list of declarations', () => {
  it('finds a part of the identifier or of the type, with sets and counts of states', async () => {
    const [id, set, other] = [newName('Wanted'), await newSet(), await newSet()]
    await put(id, { ...PASSCODE, sets: [set, other] })
    await put(newName('another'), PASSCODE)
    await failOn('L1', id)
    const [found, ...more] = await list(`q=${id.toLowerCase().slice(2)}`)
    expect(more).toEqual([])
    expect(found).toMatchObject({ id, sets: [set, other].toSorted() })
    expect(found?.states).toEqual({ applied: 0, pending: 0, failed: 1, inactive: 0, withheld: 0 })
    expect((await list('q=PASSCODE.Settings')).length).toBeGreaterThan(1)
    expect(await list('q=%25')).toEqual([])
  })

  it('keeps a count for 3 ms for each state that it counted', async () => {
    const id = newName('kept')
    await put(id, PASSCODE)
    const failed = async () => (await list(`q=${id}`))[0]?.states['failed']
    turn(10_000)
    await failOn('K1', id)
    const before = await failed()
    await failOn('K2', id)
    expect([before, await failed()]).toEqual([1, 1])
    turn(10_000)
    expect(await failed()).toBe(2)
  })

  it('counts once for requests that come together', async () => {
    let counted = 0
    const prepare = (text: string) => {
      counted++
      return env.DB.prepare(text)
    }
    const alone = { DB: Object.assign(Object.create(env.DB), { prepare }) }
    await stateCountsOf(alone)
    turn(300_000)
    await Promise.all([stateCountsOf(alone), stateCountsOf(alone), stateCountsOf(alone)])
    expect(counted).toBe(2)
  })
})

describe('a change with if_version', () => {
  it('is refused when there is another version by now', async () => {
    const id = newName('guarded')
    const change = (MinimumLength: number, version: number) =>
      put<Problem>(id, { type: TYPE, payload: { MinimumLength } }, `?if_version=${version}`)
    expect((await change(6, 0)).status).toBe(201)
    expect(await change(7, 0)).toMatchObject({ status: 409, body: { code: 'conflict' } })
    expect((await change(8, 1)).status).toBe(200)
    const late = await change(9, 1)
    expect(late).toMatchObject({ status: 409, body: { code: 'conflict' } })
    expect(late.body.detail).toContain('has version 2 by now')
    expect((await api('GET', at(id))).body).toMatchObject({ payload: { MinimumLength: 8 } })
  })

  it('is stored once, of several that come at the same moment', async () => {
    const id = newName('raced')
    const outcomes = async (lengths: number[], version: number) => {
      const all = lengths.map((MinimumLength) =>
        put<Problem>(id, { type: TYPE, payload: { MinimumLength } }, `?if_version=${version}`),
      )
      return (await Promise.all(all))
        .map(({ status }) => status)
        .toSorted((one, other) => one - other)
    }
    expect(await outcomes([4, 5, 6], 0)).toEqual([201, 409, 409])
    expect(await outcomes([7, 8, 9], 1)).toEqual([200, 409, 409])
    const { body } = await api<{ versions: { version: number }[] }>('GET', at(id))
    expect(body.versions.map(({ version }) => version)).toEqual([2, 1])
  })
})

describe('GET /api/declaration-types', () => {
  it('lists Apple’s types with their platforms and keys', async () => {
    const { body } = await api<List<{ type: string }>>('GET', '/api/declaration-types')
    expect(body.items.find(({ type }) => type === TYPE)).toMatchObject({
      since: { macOS: '13.0', iOS: '15.0' },
      keys: expect.arrayContaining([
        { key: 'MinimumLength', type: 'integer', required: false },
      ]) as unknown,
    })
  })
})
