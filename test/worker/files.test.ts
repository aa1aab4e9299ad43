import { describe, expect, it } from 'vitest'
import { runDailyDuties } from '../../src/cron.ts'
import { configOf } from '../../src/config/config.ts'
import type { Env } from '../../src/env.ts'
import { loadCatalog } from '../../src/directory/declarations/catalog.ts'
import { filesChanged } from '../../src/directory/declarations/files-changed.ts'
import { putDeclaration } from '../../src/directory/declarations/put.ts'
import { declarationContent, listVersions } from '../../src/directory/declarations/read.ts'
import { clock, turn } from './clock.ts'
import { bytesOf, declared, newName, ORIGIN, sha256, upload } from './file-tools.ts'
import { api, BASIC, env, serve } from './server.ts'

const DAY = 86_400_000
const ONE = bytesOf('{"UserName":"ada"}')
const TWO = bytesOf('{"UserName":"ada","Password":"x"}')
const ASSET = 'com.apple.asset.credential.userpassword'

interface Listed {
  items: { name: string }[]
  next: string | null
}

async function statusOf(method: string, path: string): Promise<[number, unknown]> {
  const { status, body } = await api(method, path)
  return [status, body['code']]
}

/** The payload that devices get of a declaration's present content. */
async function servedBy(identifier: string): Promise<Record<string, unknown>> {
  const [present] = await listVersions(env.DB, identifier)
  const found = await declarationContent(env.DB, identifier, present?.content ?? '')
  return JSON.parse(found?.payload ?? '{}')
}

async function partsOf(content: Uint8Array): Promise<number> {
  const count = await env.DB.prepare(
    'SELECT count(*) AS count FROM declaration_file_parts WHERE sha256 = ?',
  )
    .bind(sha256(content))
    .first<number>('count')
  return count ?? 0
}

async function runCron(): Promise<void> {
  const its = env as unknown as Env
  const result = configOf(its)
  if (result.ok) {
    await runDailyDuties(its, result.config)
  }
}

describe('a file', () => {
  it('is stored as it is, with its type, and read back', async () => {
    const name = newName()
    const stored = await upload(name, ONE, 'application/json')
    expect(stored).toMatchObject({
      status: 200,
      body: {
        name,
        sha256: sha256(ONE),
        size: ONE.length,
        content_type: 'application/json',
        url: `${ORIGIN}/ddm/files/${sha256(ONE)}?type=application%2Fjson`,
        declarations: [],
        unchanged: [],
      },
    })
    const { declarations: _, unchanged: __, ...facts } = stored.body
    expect((await api('GET', `/api/files/${name}`)).body).toEqual(facts)
    const content = await serve(`/api/files/${name}/content`, { headers: { authorization: BASIC } })
    expect(content.headers.get('content-type')).toBe('application/json')
    expect(new Uint8Array(await content.arrayBuffer())).toEqual(ONE)
  })

  it('may hold bytes that are no JSON and no text', async () => {
    const name = newName()
    expect((await upload(name, new Uint8Array([0, 255, 91, 91]), 'application/zip')).status).toBe(
      200,
    )
    expect((await upload(name, bytesOf('['.repeat(1000)), '')).body.content_type).toBe(
      'application/octet-stream',
    )
  })

  it('has a type that curl sends by itself as any type', async () => {
    const { body } = await upload(newName(), ONE, 'application/x-www-form-urlencoded')
    expect(body.content_type).toBe('application/octet-stream')
  })

  it('is refused when it is empty or too long, with a wrong name or type', async () => {
    expect(await upload(newName(), new Uint8Array())).toMatchObject({ status: 400 })
    expect(await upload(newName(), ONE, 'json')).toMatchObject({ status: 400 })
    const long = await upload(newName(), new Uint8Array(20_000_001))
    expect([long.status, long.body.code]).toEqual([413, 'body_too_large'])
    for (const name of ['.hidden', 'a%2Fb', 'x'.repeat(101), 'ä']) {
      expect([name, (await upload(name, ONE)).status]).toEqual([name, 400])
    }
  })

  it('is listed in pages', async () => {
    const names = [newName(), newName(), newName()].toSorted((a, b) => (a < b ? -1 : 1))
    for (const name of names) {
      await upload(name, ONE)
    }
    const found: string[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: { body: Listed } = await api<Listed>('GET', `/api/files?limit=2&cursor=${cursor}`)
      found.push(...page.body.items.map(({ name }) => name))
      cursor = page.body.next
    }
    expect(found.filter((name) => names.includes(name))).toEqual(names)
    expect(await statusOf('GET', '/api/files?cursor=x')).toEqual([400, 'invalid_cursor'])
  })
})

describe('a declaration that names a file', () => {
  it('keeps what the admin wrote, and devices get the URL and the facts of the data', async () => {
    const name = newName()
    const { body } = await upload(name, ONE, 'application/json')
    const payload = { Reference: { DataURL: `file:${name}` } }
    const identifier = await declared(payload, ASSET)
    const [version] = await listVersions(env.DB, identifier)
    expect(JSON.parse(version?.payload ?? '')).toEqual(payload)
    expect(await servedBy(identifier)).toEqual({
      Reference: {
        DataURL: body.url,
        ContentType: 'application/json',
        Size: ONE.length,
        'Hash-SHA-256': sha256(ONE),
      },
    })
  })

  it('changes with the file, once, and devices can still fetch what they were offered', async () => {
    const name = newName()
    await upload(name, ONE, 'application/json')
    const identifier = await declared({ Reference: { DataURL: `file:${name}` } }, ASSET)
    const other = await declared({ ProfileURL: 'https://example.com/x' })
    const [before] = await listVersions(env.DB, identifier)
    const changed = await upload(name, TWO, 'application/json')
    expect(changed.body.declarations).toEqual([identifier])
    const [now] = await listVersions(env.DB, identifier)
    expect(now?.content).not.toBe(before?.content)
    expect(now?.payload).toBe(before?.payload)
    expect(await servedBy(identifier)).toMatchObject({ Reference: { Size: TWO.length } })
    expect(await declarationContent(env.DB, identifier, before?.content ?? '')).toBeDefined()
    expect((await upload(name, TWO, 'application/json')).body.declarations).toEqual([])
    expect(await listVersions(env.DB, identifier)).toHaveLength(2)
    expect(await listVersions(env.DB, other)).toHaveLength(1)
  })

  it('changes when only the type of its file changes', async () => {
    const name = newName()
    await upload(name, ONE, '')
    const identifier = await declared({ ProfileURL: `file:${name}` })
    expect((await upload(name, ONE, 'text/xml')).body.declarations).toEqual([identifier])
    expect(await servedBy(identifier)).toEqual({
      ProfileURL: `${ORIGIN}/ddm/files/${sha256(ONE)}?type=text%2Fxml`,
    })
  })

  it('stays in its staged roll-out', async () => {
    const name = newName()
    await upload(name, ONE)
    const identifier = await declared({ ProfileURL: `file:${name}` })
    await upload(name, TWO)
    const payload = JSON.stringify({ ProfileURL: `file:${name}`, VisibleName: 'x' })
    const sent = { identifier, type: 'com.apple.configuration.legacy', payload, origin: ORIGIN }
    const staged = { ...sent, force: true, percent: 10 }
    await putDeclaration(env.DB, staged, { notify: false, now: clock.now() })
    await upload(name, ONE)
    const { items } = await loadCatalog(env.DB)
    expect(items.get(identifier)).toMatchObject({
      files: [sha256(ONE)],
      rollout: { percent: 10, before: { files: [sha256(TWO)] } },
    })
  })

  it('is not overwritten when a person changes it meanwhile', async () => {
    const name = newName()
    await upload(name, ONE)
    const identifier = await declared({ ProfileURL: `file:${name}` })
    await upload(name, TWO)
    const edited = { ProfileURL: `file:${name}`, VisibleName: 'edited' }
    const edit = (): Promise<unknown> =>
      putDeclaration(
        env.DB,
        {
          identifier,
          type: 'com.apple.configuration.legacy',
          payload: JSON.stringify(edited),
          origin: ORIGIN,
          force: true,
        },
        { notify: false, now: clock.now() },
      )
    let edits = 0
    const batch = async (statements: D1PreparedStatement[]) => {
      edits += 1
      if (edits === 1) {
        await edit()
      }
      return env.DB.batch(statements)
    }
    const prepare = (text: string) => env.DB.prepare(text)
    const d1 = Object.assign(Object.create(env.DB), { batch, prepare })
    const when = { origin: 'http://other.test', now: clock.now() }
    expect(await filesChanged(d1, name, when)).toEqual({ changed: [identifier], refused: [] })
    const [now] = await listVersions(env.DB, identifier)
    expect(JSON.parse(now?.payload ?? '')).toEqual(edited)
    expect(await servedBy(identifier)).toEqual({
      ...edited,
      ProfileURL: expect.stringMatching(`^http://other.test/ddm/files/${sha256(TWO)}`),
    })
  })

  it('keeps its content if it pins another one, and the answer says so', async () => {
    const name = newName()
    await upload(name, ONE, 'application/json')
    const identifier = await declared(
      { Reference: { DataURL: `file:${name}`, Size: ONE.length } },
      ASSET,
    )
    const { body } = await upload(name, TWO, 'application/json')
    expect(body).toMatchObject({
      declarations: [],
      unchanged: [{ identifier, detail: expect.stringContaining('leave the key out') }],
    })
    expect(await servedBy(identifier)).toMatchObject({ Reference: { Size: ONE.length } })
  })

  it('keeps its file from being deleted, until it names another one', async () => {
    const [name, next] = [newName(), newName()]
    await upload(name, ONE)
    await upload(next, TWO)
    const identifier = await declared({ ProfileURL: `file:${name}` })
    const refused = await api('DELETE', `/api/files/${name}`)
    expect(refused).toMatchObject({
      status: 409,
      body: { code: 'file_in_use', detail: expect.stringContaining(identifier) },
    })
    await declared({ ProfileURL: `file:${next}` }, undefined, identifier)
    expect((await api('DELETE', `/api/files/${name}`)).status).toBe(204)
    expect(await statusOf('DELETE', `/api/files/${name}`)).toEqual([404, 'file_not_found'])
    expect(await statusOf('GET', `/api/files/${name}`)).toEqual([404, 'file_not_found'])
    await expect(declared({ ProfileURL: `file:${name}` })).rejects.toThrow(
      `no file is named ${name}`,
    )
  })
})

describe('the content of a file that its name has left', () => {
  it('stays for 30 days, and then goes, unless another name or a roll-out has it', async () => {
    const [left, shared] = [bytesOf(newName()), bytesOf(newName())]
    const [name, other] = [newName(), newName()]
    await upload(name, left)
    await upload(other, shared)
    await upload(name, shared)
    await upload(other, TWO)
    turn(29 * DAY)
    await runCron()
    expect([await partsOf(left), await partsOf(shared)]).toEqual([1, 1])
    turn(2 * DAY)
    await runCron()
    expect([await partsOf(left), await partsOf(shared)]).toEqual([0, 1])
    const content = await serve(`/api/files/${name}/content`, { headers: { authorization: BASIC } })
    expect(new Uint8Array(await content.arrayBuffer())).toEqual(shared)
  })

  it('stays while a declaration offers it', async () => {
    const content = bytesOf(newName())
    const name = newName()
    await upload(name, content, 'application/json')
    await declared({ Reference: { DataURL: `file:${name}`, Size: content.length } }, ASSET)
    await upload(name, TWO, 'application/json')
    turn(40 * DAY)
    await runCron()
    expect(await partsOf(content)).toBe(1)
  })

  it('comes back with the next upload', async () => {
    const name = newName()
    const content = bytesOf(name)
    for (const bytes of [content, TWO, content]) {
      await upload(name, bytes)
    }
    turn(31 * DAY)
    await runCron()
    expect(await partsOf(content)).toBe(1)
    expect((await api('GET', `/api/files/${name}`)).body).toMatchObject({
      sha256: sha256(content),
      changed_at: new Date(clock.now() - 31 * DAY).toISOString(),
    })
  })
})
