import { describe, expect, it } from 'vitest'
import { describeSet } from '../../src/directory/declarations/sets.ts'
import { storeStates } from '../../src/directory/declarations/states.ts'
import type { StateEntry } from '../../src/ddm/states.ts'
import { clock } from './clock.ts'
import {
  at,
  newName,
  newSet,
  PASSCODE,
  put,
  setAt,
  TYPE,
  type List,
  type Problem,
  type Stored,
} from './declaration-api.ts'
import { api, enrolled, env } from './server.ts'

describe('a declaration', () => {
  it('gets a version with each new content, and comes back by its version', async () => {
    const id = newName('passcode')
    expect(await put(id, PASSCODE)).toMatchObject({
      status: 201,
      body: { version: 1, changed: true },
    })
    expect(await put(id, PASSCODE)).toMatchObject({
      status: 200,
      body: { version: 1, changed: false },
    })
    expect(await put(id, { ...PASSCODE, rollout: {} })).toMatchObject({
      body: { version: 1, changed: false },
    })
    const other = { ...PASSCODE, payload: { MinimumLength: 12 } }
    expect(await put(id, other)).toMatchObject({ status: 200, body: { version: 2, changed: true } })
    const restored = await api('POST', at(id, '/versions/1/restore'))
    expect(restored).toMatchObject({ status: 200, body: { version: 3, changed: true } })
    expect((await api('GET', at(id))).body).toMatchObject({ version: 3, ...PASSCODE, sets: [] })
    const { body } = await api<List<{ payload: object }>>('GET', at(id, '/versions'))
    expect(body.items.map(({ payload }) => payload)).toEqual([
      { MinimumLength: 8 },
      { MinimumLength: 12 },
      { MinimumLength: 8 },
    ])
    expect((await api('POST', at(id, '/versions/9/restore'))).status).toBe(404)
  })

  it('gets another token by a touch, and no other version', async () => {
    const id = newName('touched')
    await put(id, PASSCODE)
    const { body: before } = await api('GET', at(id))
    const { body: touched } = await api('POST', at(id, '/touch'))
    expect(touched).toMatchObject({
      version: 1,
      server_token: `${String(before['server_token'])}.1`,
    })
  })

  it.each(['a/b', 'a%2Fb', 'ä ö?#', 'com.example.x:1', '*'])(
    'may have the identifier %s',
    async (word) => {
      const id = `${word} ${crypto.randomUUID()}`
      expect((await put(id, PASSCODE)).status).toBe(201)
      expect((await api('GET', at(id))).body).toMatchObject({ id })
      expect((await api('DELETE', at(id))).status).toBe(204)
      expect((await api('GET', at(id))).status).toBe(404)
    },
  )

  it('has an identifier of at most 64 octets, which the server does not use itself', async () => {
    expect((await put('x'.repeat(65), PASSCODE)).status).toBe(400)
    expect((await put('ä'.repeat(33), PASSCODE)).status).toBe(400)
    expect((await put('edgemdm.mine', PASSCODE)).status).toBe(400)
  })

  it('is refused with the place of each fault, and stored by force', async () => {
    const id = newName('wrong')
    const wrong = { type: 'com.apple.configuration.none', payload: {} }
    const { status, body } = await put<Problem>(id, wrong)
    expect([status, body.code]).toEqual([400, 'invalid_declaration'])
    expect(body.errors.map((one) => one.at)).toEqual(['json.type'])
    expect(body.detail).toContain('?force=true stores')
    expect((await api('GET', at(id))).status).toBe(404)
    const forced = await put<{ warnings: string[] }>(id, wrong, '?force=true')
    expect([forced.status, forced.body.warnings]).toEqual([201, [expect.stringMatching(/^Type: /)]])
  })

  it.each([
    ['a predicate', { StandardConfigurations: ['a'], Predicate: "'Mac" }, 'activation.simple'],
    ['a file', { Reference: { DataURL: 'file:none' } }, 'asset.data'],
  ])(
    'is not said to be stored by force when %s would still be refused',
    async (_, payload, type) => {
      const wrong = { type: `com.apple.${type}`, payload }
      const { status, body } = await put<Problem>(newName('grave'), wrong)
      expect([status, body.code]).toEqual([400, 'invalid_declaration'])
      expect(body.detail).not.toContain('force')
      expect((await put(newName('grave'), wrong, '?force=true')).status).toBe(400)
    },
  )

  it('is refused when its payload is longer than 1 MB', async () => {
    const payload = { Echo: 'x'.repeat(1_000_001) }
    const { status, body } = await put<Problem>(newName('long'), { type: TYPE, payload })
    expect([status, body.errors[0]?.at]).toEqual([400, 'json.payload'])
  })

  it('is in the sets that its body names, which have to exist', async () => {
    const [id, one, two] = [newName('in'), await newSet(), await newSet()]
    const lost = await put<Problem>(id, { ...PASSCODE, sets: ['no such set'] })
    expect([lost.status, lost.body.code]).toEqual([404, 'set_not_found'])
    expect((await api('GET', at(id))).status).toBe(404)
    await put(id, { ...PASSCODE, sets: [one] })
    expect((await put(id, { ...PASSCODE, sets: [two] })).body).toMatchObject({ changed: true })
    expect((await api('GET', at(id))).body).toMatchObject({ sets: [two] })
    await put(id, PASSCODE)
    const { body } = await api<List<{ id: string }>>('GET', `/api/declarations?set=${two}`)
    expect(body.items.map((item) => item.id)).toEqual([id])
  })

  it('is not deleted while a set has it, unless it leaves its sets first', async () => {
    const [id, set] = [newName('used'), await newSet()]
    await put(id, { ...PASSCODE, sets: [set] })
    const { status, body } = await api<Problem>('DELETE', at(id))
    expect([status, body.code]).toEqual([409, 'declaration_in_use'])
    expect(body.detail).toContain(set)
    expect((await api('DELETE', at(id, '?from_sets=true'))).status).toBe(204)
    expect((await api('GET', setAt(set))).body).toMatchObject({ declarations: [] })
  })

  it('is listed in pages, by type and set', async () => {
    const set = await newSet()
    const ids = ['a', 'b', 'c'].map((word) => `${word}.${set}`.slice(0, 64))
    await api('PUT', setAt(set), { declarations: [] })
    for (const id of ids) {
      await put(id, { ...PASSCODE, sets: [set] })
    }
    const first = await api<List<{ id: string }>>(
      'GET',
      `/api/declarations?set=${set}&type=${TYPE}&limit=2`,
    )
    const second = await api<List<{ id: string }>>(
      'GET',
      `/api/declarations?set=${set}&limit=2&cursor=${first.body.next}`,
    )
    expect([first, second].flatMap(({ body }) => body.items.map(({ id }) => id))).toEqual(ids)
    expect(second.body.next).toBeNull()
  })
})

describe('a dry run', () => {
  it('stores nothing, and shows who would get the declaration and why others would not', async () => {
    const mac = await enrolled({ platform: 'macOS', osVersion: '26.1' })
    const phone = await enrolled({ platform: 'iOS' })
    const set = await newSet()
    const absent = newName('absent')
    await api('POST', setAt(set, '/members'), { ids: [mac.udid, phone.udid, absent] })
    const id = newName('disk')
    const type = 'com.apple.configuration.diskmanagement.settings'
    const body = { type, payload: { Restrictions: { ExternalStorage: 'ReadOnly' } }, sets: [set] }
    const { body: dry } = await put(id, body, '?dry_run=true')
    expect(dry).toMatchObject({ version: null, changed: true })
    const states = new Map(dry.preview.items.map((item) => [item.id, item.state]))
    expect(states).toEqual(
      new Map([
        [mac.udid, 'offered'],
        [phone.udid, 'withheld'],
        [absent, 'unknown'],
      ]),
    )
    expect(dry.preview.counts).toEqual({ offered: 1, withheld: 1, unknown: 1 })
    expect(dry.preview.reasons).toHaveLength(2)
    expect((await api('GET', at(id))).status).toBe(404)
    expect((await api('GET', setAt(set))).body).toMatchObject({ declarations: [] })
  })

  it('warns when no device is in the sets of the declaration', async () => {
    const body = { ...PASSCODE, sets: [await newSet()] }
    const { body: dry } = await put(newName('alone'), body, '?dry_run=true')
    expect(dry.warnings).toEqual([expect.stringContaining('no device is in its sets')])
  })

  it('has pages', async () => {
    const set = await newSet()
    const ids = [newName('1'), newName('2'), newName('3')]
    await api('POST', setAt(set, '/members'), { ids })
    const body = { ...PASSCODE, sets: [set] }
    const id = newName('paged')
    const first = await put(id, body, '?dry_run=true&limit=2')
    const cursor = String(first.body.preview.next)
    const second = await put(id, body, `?dry_run=true&limit=2&cursor=${cursor}`)
    const shown = [first, second].flatMap((one) => one.body.preview.items.map((item) => item.id))
    expect(shown).toEqual(ids)
    expect(second.body.preview.next).toBeNull()
  })

  it('walks the enrolled devices when a set has a rule, and leaves out those that it does not take', async () => {
    const mac = await enrolled({ platform: 'macOS' })
    const phone = await enrolled({ platform: 'iOS' })
    const set = await newSet({ rule: { platform: ['macOS'] } })
    await expect
      .poll(async () => {
        const shown: string[] = []
        let next: string | null = ''
        while (next !== null) {
          const query = `?dry_run=true&limit=40&cursor=${next}`
          const page: Stored = (await put(newName('ruled'), { ...PASSCODE, sets: [set] }, query))
            .body
          shown.push(...page.preview.items.map((item) => item.id))
          next = page.preview.next
        }
        return [shown.includes(mac.udid), shown.includes(phone.udid)]
      })
      .toEqual([true, false])
  })
})

describe('a set', () => {
  it('keeps what a change leaves out', async () => {
    const id = newName('kept')
    await put(id, PASSCODE)
    const rule = { platform: ['macOS'], os_version_from: '14', channel: 'user' }
    const set = await newSet({ description: 'users of Macs', rule })
    const { body } = await api('PUT', setAt(set), { declarations: [id] })
    expect(body).toMatchObject({
      description: 'users of Macs',
      rule: { ...rule, os_version: null, supervised: null },
      declarations: [id],
    })
    expect((await api('PUT', setAt(set), { rule: null })).body).toMatchObject({
      rule: null,
      declarations: [id],
      declaration_count: 1,
    })
    expect((await api('PUT', setAt(set), { rule: {} })).body).toMatchObject({
      rule: { platform: null, channel: 'device' },
    })
  })

  it('refuses declarations that do not exist, and versions that are none', async () => {
    const lost = await api('PUT', setAt(newName('set')), { declarations: ['no such one'] })
    expect(lost).toMatchObject({ status: 404, body: { code: 'declaration_not_found' } })
    const wrong = await api('PUT', setAt(newName('set')), { rule: { os_version: 'Tahoe' } })
    expect(wrong).toMatchObject({ status: 400, body: { errors: [{ at: 'json.rule.os_version' }] } })
  })

  it('of another part of the server is changed there', async () => {
    const name = newName('owned')
    const owned = { name, rule: {}, description: '', owner: 'software-updates' }
    await describeSet(env.DB, owned, { now: clock.now(), notify: false })
    for (const [method, path, body] of [
      ['PUT', setAt(name), {}],
      ['DELETE', setAt(name), undefined],
    ] as const) {
      expect(await api(method, path, body)).toMatchObject({ status: 409 })
    }
    expect((await api('GET', setAt(name))).body).toMatchObject({ owner: 'software-updates' })
  })

  it('takes and loses declarations one by one', async () => {
    const [id, set] = [newName('one'), await newSet()]
    await put(id, PASSCODE)
    const link = setAt(set, `/declarations/${id}`)
    expect((await api('PUT', link)).body).toMatchObject({ declarations: [id] })
    expect((await api('DELETE', link)).body).toMatchObject({ declarations: [] })
    expect((await api('PUT', setAt(set, '/declarations/none'))).status).toBe(404)
  })

  it('takes and loses many members, users and devices to come too', async () => {
    const set = await newSet()
    const ids = Array.from({ length: 500 }, (_, n) => `${set}-${n + 100}`).flatMap((id) => [
      id,
      `${id}:user`,
    ])
    const add = () => api('POST', setAt(set, '/members'), { ids })
    expect((await add()).body).toEqual({ changed: 1000 })
    expect((await add()).body).toEqual({ changed: 0 })
    expect((await api('GET', setAt(set))).body).toMatchObject({ member_count: 1000 })
    const listed: string[] = []
    let next: string | null = ''
    while (next !== null) {
      const path = setAt(set, `/members?limit=300&cursor=${next}`)
      const { body }: { body: List<{ id: string }> } = await api('GET', path)
      listed.push(...body.items.map(({ id }) => id))
      next = body.next
    }
    expect(listed).toEqual(ids)
    const gone = { ids: ids.slice(0, 3) }
    expect((await api('POST', setAt(set, '/members/remove'), gone)).body).toEqual({ changed: 3 })
    expect((await api('GET', setAt(set))).body).toMatchObject({ member_count: 997 })
  })

  it('is refused for members when its name is mistyped', async () => {
    const { status, body } = await api<Problem>('POST', setAt(newName('typo'), '/members'), {
      ids: ['A'],
    })
    expect([status, body.code]).toEqual([404, 'set_not_found'])
  })

  it('has the user channel of a bare UserID under its full id', async () => {
    const set = await newSet()
    const mac = await enrolled()
    const userId = crypto.randomUUID()
    await mac.userChannel({ userId, shortName: 'ada' }).tokenUpdate()
    const path = `/api/devices/${userId}/sets/${set}`
    const full = `${mac.udid}:${userId}`
    expect((await api('PUT', path)).body).toEqual({ id: full, sets: [set] })
    expect((await api('GET', `/api/devices/${mac.udid}/sets`)).body).toMatchObject({ sets: [] })
    expect((await api('DELETE', path)).body).toEqual({ id: full, sets: [] })
  })
})

describe('states of the fleet', () => {
  const CODE = 'Error.ConfigurationCannotBeApplied'

  async function reported(
    enrollment: string,
    states: readonly Omit<StateEntry, 'since' | 'content'>[],
  ) {
    const since = clock.now()
    const facts = { enrollment, version: since, revision: 1, synced: true, reportedAt: since }
    const entries = states.map((one) => ({ ...one, content: '', since }))
    await storeStates(env.DB, [{ ...facts, states: entries }])
  }

  it('are counted, listed in pages and found by state and code', async () => {
    const id = newName('spread')
    await put(id, PASSCODE)
    for (const n of [1, 2, 3]) {
      await reported(`${id}-${n}`, [{ identifier: id, state: 'failed', code: CODE }])
    }
    await reported(`${id}-4`, [{ identifier: id, state: 'applied', code: '' }])
    expect((await api('GET', at(id))).body).toMatchObject({ states: { applied: 1, failed: 3 } })
    const find = (query: string) =>
      api<List<{ enrollment_id: string; code: string | null }>>(
        'GET',
        `/api/declaration-states?declaration_id=${id}&${query}`,
      )
    const first = await find(`state=failed,withheld&code=${CODE}&limit=2`)
    const second = await find(`state=failed&limit=2&cursor=${first.body.next}`)
    expect(
      [first, second].flatMap(({ body }) => body.items.map((one) => one.enrollment_id)),
    ).toEqual([`${id}-1`, `${id}-2`, `${id}-3`])
    const { body } = await api<List<object>>('GET', at(id, '/states?state=applied'))
    expect(body.items).toMatchObject([{ enrollment_id: `${id}-4`, state: 'applied', code: null }])
    const failures = await api<List<object>>('GET', '/api/declaration-failures')
    expect(failures.body.items).toContainEqual({ declaration_id: id, code: CODE, count: 3 })
  })
})
