import { beforeEach, describe, expect, it } from 'vitest'
import { newBlueprintName, noBlueprints, storeBlueprint, storeProfile } from './blueprint-tools.ts'
import { api, enrolled, env } from './server.ts'

beforeEach(noBlueprints)

interface Problem {
  code: string
  detail: string
  errors: { at: string; detail: string }[]
}
interface Preview {
  blueprints: { name: string; applies: boolean; reason: string | null }[]
  steps: { kind: string; subject: string | null; applies: boolean; reason: string | null }[]
  time_limit_s: number | null
  release: string | null
}

const at = (id: string) => `/api/blueprints/${id}`
const put = <Body = Record<string, unknown>>(id: string, body: object) =>
  api<Body>('PUT', at(id), body)

async function preview(query: string) {
  return (await api<Preview>('GET', `/api/blueprints/preview?${query}`)).body
}

describe('a blueprint', () => {
  it('is stored whole, with what was left out, and gets a version with each change', async () => {
    const id = crypto.randomUUID()
    const name = newBlueprintName()
    const steps = [{ do: 'profile', id: await storeProfile(), when: { platform: ['macOS'] } }]
    const first = await put(id, { name, steps, priority: 2, match: { os: '>=14' } })
    expect(first).toEqual({
      status: 201,
      body: {
        id,
        name,
        apply_at: ['Enroll'],
        match: { os: '>=14' },
        priority: 2,
        time_limit_s: 900,
        release: 'always',
        reenroll: 'same',
        steps,
        version: 1,
        changed_at: expect.any(String),
        warnings: [],
      },
    })
    const renamed = newBlueprintName()
    expect(await put(id, { name: renamed, steps: [] })).toMatchObject({
      status: 200,
      body: { name: renamed, version: 2, priority: 0, match: {}, steps: [] },
    })
    expect((await api('GET', '/api/blueprints')).body).toMatchObject({
      items: [{ id, version: 2 }],
      total: 1,
    })
    expect((await api('DELETE', at(id))).status).toBe(204)
    expect(await api('GET', at(id))).toMatchObject({
      status: 404,
      body: { code: 'blueprint_not_found' },
    })
  })

  it('is refused with all of its faults at once, each at its place', async () => {
    const steps = [
      { do: 'profile', id: 'com.example.gone' },
      { do: 'account', admin: 'gone', regular_user: true },
      { do: 'account', admin: 'gone' },
      { do: 'command', command: { request_type: 'EraseDevice' } },
      { do: 'package', manifest: 'x', timeout_s: 5 },
    ]
    const { status, body } = await put<Problem>('b', { name: 'B', steps, time_limit_s: 1 })
    expect(status).toBe(400)
    expect(body.errors.map((fault) => fault.at)).toEqual([
      'json.time_limit_s',
      'json.steps.0.id',
      'json.steps.1.admin',
      'json.steps.2.admin',
      'json.steps.3.command',
      'json.steps.4.timeout_s',
      'json.steps.4.manifest',
      'json.steps.2',
    ])
    expect(body.detail).toContain('json.steps.0.id: no profile is stored under the id com.example')
    expect((await api('GET', at('b'))).status).toBe(404)
  })

  it('with hundred wrong steps is refused with hundred places, and a short sentence', async () => {
    const steps = Array.from({ length: 100 }, () => ({ do: 'profile' }))
    const { body } = await put<Problem>('b', { name: 'B', steps })
    expect(body.errors).toHaveLength(100)
    expect(body.detail).toMatch(/json\.steps\.9\.id: is missing; and 90 more$/)
  })

  it.each([
    [{ name: 'B', steps: [{ do: 'dance' }] }, 'json.steps.0.do'],
    [{ name: 'B', steps: [{ do: 'profile', id: 7 }] }, 'json.steps.0.id'],
    [{ name: 'B', steps: [{ do: 'profile', ident: 'x' }] }, 'json.steps.0'],
    [{ name: 'B', steps: [], match: { serials: ['x'] } }, 'json.match'],
    [{ name: 'B', steps: [], version: 7 }, 'json'],
    [{ name: 'B' }, 'json.steps'],
  ])('is refused with values of other types: %j', async (body, place) => {
    const answer = await put<Problem>('b', body)
    expect([answer.status, answer.body.errors.map((fault) => fault.at)]).toEqual([400, [place]])
  })

  it('cannot have the name of another one, nor the id of the preview', async () => {
    const name = newBlueprintName()
    await storeBlueprint({ name })
    expect(await put('b', { name, steps: [] })).toMatchObject({
      status: 409,
      body: { code: 'conflict' },
    })
    expect(await put('preview', { name: 'B', steps: [] })).toMatchObject({ status: 400 })
  })

  it('is stored with a warning when a device may get two accounts', async () => {
    await api('PUT', '/api/setup-users/warned', { short_name: 'a', generate_password: true })
    const steps = [{ do: 'account', admin: 'warned' }]
    const name = newBlueprintName()
    await storeBlueprint({ name, steps, match: { param: { bp: 'x' }, platform: ['macOS'] } })
    const other = async (match: object) =>
      (await put<{ warnings: string[] }>('b', { name: 'B', steps, match })).body.warnings
    expect(await other({})).toEqual([expect.stringContaining(`a device may also get ${name}: `)])
    expect(await other({ param: { bp: 'x' }, os: '>=14' })).toHaveLength(1)
    expect(await other({ param: { bp: 'y' } })).toEqual([])
    expect(await other({ platform: ['iOS'] })).toEqual([])
  })
})

describe('the preview', () => {
  it('says which steps a device gets, and why not the others', async () => {
    const device = await enrolled({ osVersion: '15.1' })
    const profile = await storeProfile()
    const steps = [
      { do: 'profile', id: profile },
      { do: 'app', itunes_store_id: 7, when: { os: '>=16' } },
      { do: 'release' },
    ]
    const [mine, old, serial] = [newBlueprintName(), newBlueprintName(), newBlueprintName()]
    await storeBlueprint({ name: mine, steps, priority: 2, time_limit_s: 60 })
    await storeBlueprint({ name: old, priority: 1, match: { os: '<15' } })
    await storeBlueprint({ name: serial, match: { serial: [device.serial] } })
    await api('DELETE', `/api/profiles/${profile}`)
    expect(await preview(`device_id=${device.udid}`)).toEqual({
      blueprints: [
        { id: expect.any(String), name: mine, applies: true, reason: null },
        {
          id: expect.any(String),
          name: old,
          applies: false,
          reason: 'os: the OS version is 15.1',
        },
        {
          id: expect.any(String),
          name: serial,
          applies: false,
          reason: 'serial: the device has not proven its serial number',
        },
      ],
      steps: [
        {
          blueprint: mine,
          kind: 'profile',
          subject: profile,
          applies: false,
          reason: `no profile is stored under the id ${profile} any more`,
        },
        {
          blueprint: mine,
          kind: 'app',
          subject: '7',
          applies: false,
          reason: 'when.os: the OS version is 15.1',
        },
      ],
      time_limit_s: 60,
      release: 'always',
    })
  })

  it('takes a serial number as proven, and what Apple says of it', async () => {
    await env.DB.prepare(
      `INSERT INTO dep_devices (serial, account, live, profile_uuid, record, added_at, changed_at)
        VALUES ('C02DEP', 'acc-1', 1, 'p-1', '{}', 0, 0)`,
    ).run()
    await env.DB.prepare(
      `INSERT INTO dep_profiles (uuid, account, name, profile, defined_at)
        VALUES ('p-1', 'acc-1', 'Staff', '{}', 0)`,
    ).run()
    const match = { dep_profile: ['Staff'], enrollment: ['ade'], param: { bp: 'x' } }
    await storeBlueprint({ match: { ...match, platform: ['macOS'] }, release: 'manual' })
    const asked = 'serial_number=C02DEP&param=bp=x'
    expect(await preview(`${asked}&platform=macOS`)).toMatchObject({
      blueprints: [{ applies: true }],
      release: 'manual',
    })
    expect((await preview(asked)).blueprints[0]?.reason).toBe('platform: the platform is unknown')
    const other = 'serial_number=C02OTHER&platform=macOS&param=bp=x'
    expect(await preview(other)).toMatchObject({
      blueprints: [
        { reason: 'dep_profile: no account of Apple Business Manager lists the serial number' },
      ],
      time_limit_s: null,
      release: null,
    })
    await env.DB.prepare("UPDATE dep_devices SET live = 0 WHERE serial = 'C02DEP'").run()
    expect((await preview(`${asked}&platform=macOS`)).blueprints[0]?.applies).toBe(false)
  })

  it('shows a later enrolment too', async () => {
    await storeBlueprint({ reenroll: 'never' })
    const again = await preview('serial_number=X&awaiting=false&first=false')
    expect(again.blueprints[0]?.reason).toMatch(/^reenroll: /)
  })

  it.each(['', 'device_id=X&serial_number=Y', 'serial_number=X&param=bp'])(
    'is refused: %s',
    async (query) => {
      const { status } = await api('GET', `/api/blueprints/preview?${query}`)
      expect(status).toBe(400)
    },
  )
})
