import { beforeEach, describe, expect, it } from 'vitest'
import { requireConfig } from '../../src/config/config.ts'
import { NO_FACTS } from '../../src/mdm/message.ts'
import { asDict, dictAt, textAt } from '../../src/plist/dict.ts'
import { readPlist } from '../../src/plist/read.ts'
import { planFor } from '../../src/setup/plan-for.ts'
import { newBlueprintName, noBlueprints, storeBlueprint } from './blueprint-tools.ts'
import { turn } from './clock.ts'
import { bucket, MANIFEST, newFileName, reach } from './repo-tools.ts'
import { env } from './server.ts'

const DAY = 86_400_000
const ORIGIN = 'http://mdm.test'
const MAC = {
  id: 'UDID-1',
  serial: 'C02REPO',
  serialProven: false,
  facts: { ...NO_FACTS, ProductName: 'MacBookAir10,1', OSVersion: '15.1' },
  params: {},
  awaiting: true,
  isFirst: true,
  origin: ORIGIN,
}

beforeEach(noBlueprints)

/** Stores a blueprint with one package. */
async function put(manifest: string, vars = {}) {
  const path = `/api/blueprints/${crypto.randomUUID()}`
  const steps = [{ do: 'package', manifest }]
  const body = JSON.stringify({ name: newBlueprintName(), steps })
  const response = await reach(path, { method: 'PUT', body }, vars)
  const { detail = '' } = await response.json<{ detail?: string }>()
  return { status: response.status, detail }
}

describe('a blueprint that names a manifest of the repository', () => {
  it('is refused while no device could install by it, with the reason', async () => {
    const name = newFileName('plist')
    expect(await put(`/repo/${name}`)).toEqual({
      status: 400,
      detail: expect.stringContaining(
        `json.steps.0.manifest: the repository has no file ${name}: upload it by`,
      ),
    })
    await bucket.put(name, '{"items":[]}')
    expect((await put(`/repo/${name}`)).detail).toContain(`${name} is no property list`)
    await bucket.put(name, 'x'.repeat(1_000_001))
    expect((await put(`/repo/${name}`)).detail).toContain('name the manifest of the package')
    await bucket.put(name, MANIFEST)
    expect((await put(`/repo/${name}`)).status).toBe(201)
    expect((await put('/repo/sub/a.plist')).detail).toContain('names no file of the repository')
    expect((await put('/repo/%zz')).detail).toContain('names no file of the repository')
  })

  it('needs a bucket, and one that names a URL does not', async () => {
    const none = await put('/repo/a.plist', { REPO: undefined })
    expect(none).toEqual({ status: 503, detail: expect.stringContaining('no bucket') })
    expect((await put('https://cdn.example.com/a.plist', { REPO: undefined })).status).toBe(201)
  })

  it('gives devices a link that opens it, signed where links are signed', async () => {
    const name = 'a b.plist'
    await bucket.put(name, MANIFEST)
    await storeBlueprint({ steps: [{ do: 'package', manifest: `/repo/${encodeURI(name)}` }] })
    const urls: string[] = []
    for (const repoLinks of ['open', 'signed'] as const) {
      const plan = await planFor(env, { ...requireConfig(env), repoLinks }, MAC)
      const payload = plan?.steps[0]?.command?.payload ?? new Uint8Array()
      const command = dictAt(asDict(readPlist(payload)), 'Command')
      urls.push(textAt(command ?? {}, 'ManifestURL'))
    }
    const [open = '', signed = ''] = urls
    expect(open).toBe(`${ORIGIN}/repo/a%20b.plist`)
    turn(29 * DAY)
    const fetched = async (url: string): Promise<number> =>
      (await reach(url.replace(ORIGIN, ''), {}, { REPO_LINKS: 'signed' })).status
    expect([await fetched(open), await fetched(signed)]).toEqual([404, 200])
  })
})
