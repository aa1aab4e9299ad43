/** A change with `if_version` of what people edit at the same time. Declarations are in declaration-list.test.ts. */
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { connected } from './abm-tools.ts'
import { mdmctl, newBlueprintName, noBlueprints } from './blueprint-tools.ts'
import { turn } from './clock.ts'
import { newName, PASSCODE, put as putDeclaration } from './declaration-api.ts'
import { api } from './server.ts'

interface Answered {
  version: number
  code: string
  detail: string
}

interface Thing {
  readonly path: string
  /** A body for each text; another text is another content. */
  readonly body: (text: string) => object
  /** What a new one answers. */
  readonly made: number
}

const things: Record<string, () => Thing> = {
  'a set': () => ({
    path: `/api/sets/${newName('guarded')}`,
    body: (description) => ({ description, rule: {} }),
    made: 200,
  }),
  'a blueprint': () => {
    const name = newBlueprintName()
    const path = `/api/blueprints/${crypto.randomUUID()}`
    return { path, body: (os) => ({ name, match: { os }, steps: [] }), made: 201 }
  },
  'an enrolment profile': () => ({
    path: `/api/dep/profiles/${newName('guarded')}`,
    body: (department) => ({ profile: { url: 'https://mdm.example.com/mdm/enroll', department } }),
    made: 200,
  }),
}

beforeAll(async () => {
  await connected()
})
beforeEach(async () => {
  await noBlueprints()
  // An account of Apple Business Manager assigns once in a second.
  turn(1000)
})

function put({ path, body }: Thing, text: string, version?: number) {
  const query = version === undefined ? '' : `?if_version=${version}`
  return api<Answered>('PUT', path + query, body(text))
}

describe.each(Object.entries(things))('%s', (_, newThing) => {
  it('is refused when there is another version by now', async () => {
    const thing = newThing()
    expect(await put(thing, '14', 1)).toMatchObject({
      status: 409,
      body: { code: 'conflict', detail: expect.stringContaining('does not exist') },
    })
    expect(await put(thing, '14', 0)).toMatchObject({ status: thing.made, body: { version: 1 } })
    expect(await put(thing, '15', 0)).toMatchObject({ status: 409, body: { code: 'conflict' } })
    expect(await put(thing, '15', 1)).toMatchObject({ status: 200, body: { version: 2 } })
    const late = await put(thing, '16', 1)
    expect(late).toMatchObject({ status: 409, body: { code: 'conflict' } })
    expect(late.body.detail).toContain('has version 2 by now')
    expect((await api(`GET`, thing.path)).body).toMatchObject({ version: 2 })
    expect(await put(thing, '16')).toMatchObject({ status: 200, body: { version: 3 } })
  })

  it('is stored once, of several that come at the same moment', async () => {
    const thing = newThing()
    const outcomes = async (texts: string[], version: number) => {
      const all = await Promise.all(texts.map((text) => put(thing, text, version)))
      return all.map(({ status }) => status).toSorted((one, other) => one - other)
    }
    expect(await outcomes(['11', '12', '13'], 0)).toEqual([thing.made, 409, 409])
    expect(await outcomes(['14', '15', '16'], 1)).toEqual([200, 409, 409])
    expect((await api('GET', thing.path)).body).toMatchObject({ version: 2 })
  })
})

describe('the version of a blueprint', () => {
  it('goes on after a deletion, so that a form from before is refused', async () => {
    const thing = things['a blueprint']?.() ?? expect.fail('no such thing')
    await put(thing, '14')
    await put(thing, '15')
    await api('DELETE', thing.path)
    expect(await put(thing, '16', 2)).toMatchObject({ status: 409 })
    expect(await put(thing, '16', 0)).toMatchObject({ status: 201, body: { version: 3 } })
    expect(await put(thing, '17', 1)).toMatchObject({ status: 409 })
    expect(await put(thing, '17', 2)).toMatchObject({ status: 409 })
  })

  it('is none that mdmctl has to know: of its changes at the same moment all are stored', async () => {
    const name = newBlueprintName()
    const uuid = crypto.randomUUID()
    const change = (url: string) => {
      const flat = { uuid, name, install_application_manifest_urls: [url], apply_at: ['Enroll'] }
      return mdmctl('PUT', '/v1/blueprints', JSON.stringify({ blueprint: flat }))
    }
    const urls = ['1', '2', '3'].map((n) => `https://apps.example.com/${n}.plist`)
    const all = await Promise.all(urls.map(change))
    expect(all.map(({ status }) => status)).toEqual([200, 200, 200])
    expect((await api('GET', `/api/blueprints/${uuid}`)).body).toMatchObject({ version: 3 })
  })
})

describe('the version of a set', () => {
  const versionOf = async (path: string) => (await api<Answered>('GET', path)).body.version

  it('rises when its declarations change, by whichever call', async () => {
    const id = newName('in')
    const set = `/api/sets/${newName('counted')}`
    await putDeclaration(id, PASSCODE)
    await api('PUT', `${set}/declarations/${id}`)
    await api('PUT', set, { description: 'for the version' })
    expect(await versionOf(set)).toBe(1)
    await api('PUT', `${set}/declarations/${id}`)
    expect(await versionOf(set)).toBe(2)
    await putDeclaration(id, { ...PASSCODE, sets: [] })
    expect(await versionOf(set)).toBe(3)
    expect((await api('PUT', `${set}?if_version=2`, { declarations: [id] })).status).toBe(409)
    expect(await api('PUT', `${set}?if_version=3`, { declarations: [id] })).toMatchObject({
      body: { version: 4, declarations: [id] },
    })
  })

  it('stays when nothing changes, and by members', async () => {
    const set = `/api/sets/${newName('same')}`
    const body = { description: 'as it was' }
    await api('PUT', set, body)
    await api('PUT', set, body)
    await api('POST', `${set}/members`, { ids: ['IF-VERSION-1'] })
    expect(await versionOf(set)).toBe(1)
  })

  it('is 0 for one with members alone, and goes on after a deletion', async () => {
    const set = `/api/sets/${newName('deleted')}`
    await api('PUT', set, { description: 'first' })
    await api('POST', `${set}/members`, { ids: ['IF-VERSION-2'] })
    await api('DELETE', set)
    expect(await versionOf(set)).toBe(0)
    expect((await api('PUT', `${set}?if_version=1`, { description: 'second' })).status).toBe(409)
    expect((await api('PUT', `${set}?if_version=0`, { description: 'second' })).status).toBe(200)
    expect(await versionOf(set)).toBe(3)
  })
})
