import { describe, expect, it } from 'vitest'
import { readPlist } from '../../src/plist/read.ts'
import { turn } from './clock.ts'
import {
  bucket,
  MIB,
  newFileName,
  pattern,
  putFile,
  reach,
  stored,
  streamed,
  textAt,
} from './repo-tools.ts'
import { keyWith } from './key-tools.ts'
import { api, enrolled, serve } from './server.ts'

const bytesOf = async (response: Response): Promise<Uint8Array> =>
  new Uint8Array(await response.arrayBuffer())

interface Listed {
  items: { name: string; size: number }[]
  next: string | null
}

describe('a device that fetches a file', () => {
  const content = pattern(5000)

  async function there(end?: string): Promise<string> {
    const name = newFileName(end)
    await putFile(name, content)
    return `/repo/${name}`
  }

  it('gets it whole, without credentials, with its type', async () => {
    const response = await serve(await there())
    expect(response.status).toBe(200)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/x-xar',
      'content-length': '5000',
      'accept-ranges': 'bytes',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
      'last-modified': expect.stringMatching(/ GMT$/),
    })
    expect(await bytesOf(response)).toEqual(content)
    expect((await serve(await there('plist'))).headers.get('content-type')).toBe(
      'text/xml; charset=utf-8',
    )
  })

  it('gets a part of it, and resumes only the same version', async () => {
    const path = await there()
    const part = await serve(path, { headers: { range: 'bytes=4990-' } })
    expect([
      part.status,
      part.headers.get('content-range'),
      part.headers.get('content-length'),
    ]).toEqual([206, 'bytes 4990-4999/5000', '10'])
    expect(await bytesOf(part)).toEqual(content.subarray(4990))
    const resumed = await serve(path, { headers: { range: 'bytes=4990-', 'if-range': '"old"' } })
    expect([resumed.status, (await bytesOf(resumed)).length]).toEqual([200, 5000])
    const beyond = await serve(path, { headers: { range: 'bytes=5000-' } })
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */5000'])
  })

  it('need not fetch what it has', async () => {
    const path = await there()
    const known = (await serve(path, { method: 'HEAD' })).headers
    expect(known.get('content-length')).toBe('5000')
    for (const headers of [
      { 'if-none-match': known.get('etag') ?? '' },
      { 'if-modified-since': known.get('last-modified') ?? '' },
    ]) {
      const response = await serve(path, { headers })
      expect([response.status, await response.text()]).toEqual([304, ''])
    }
  })

  it('finds no list, no folder and no unfinished upload', async () => {
    await bucket.put('.upload-x', 'x')
    await bucket.put('folder/x.pkg', 'x')
    for (const path of [
      '/repo',
      '/repo/',
      '/repo/none.pkg',
      '/repo/.upload-x',
      '/repo/folder/x.pkg',
      '/repo/folder%2Fx.pkg',
      '/repo/..%2Fx.pkg',
      '/repo/%00',
      '/repo/%',
    ]) {
      const response = await serve(path)
      expect([path, response.status, Object.keys(await response.json())]).toEqual([
        path,
        404,
        ['error'],
      ])
    }
  })

  it('finds a file by any name that it may have', async () => {
    const name = `Über 100% #1 (${crypto.randomUUID()}).pkg`
    expect((await putFile(name, 'x')).status).toBe(200)
    expect(await textAt(`/repo/${encodeURIComponent(name)}`)).toBe('x')
  })
})

describe('an admin', () => {
  it('stores a file in place of the one before, and deletes it', async () => {
    const name = newFileName()
    expect((await putFile(name, 'one')).status).toBe(200)
    const response = await putFile(name, 'second')
    expect(await response.json()).toEqual({
      name,
      size: 6,
      content_type: 'application/x-xar',
      etag: expect.stringMatching(/^[\da-f]{32}$/),
      url: `http://mdm.test/repo/${name}`,
      changed_at: expect.stringMatching(/Z$/),
    })
    expect((await api('GET', `/api/repo/${name}`)).body).toMatchObject({ name, size: 6 })
    expect((await api('DELETE', `/api/repo/${name}`)).status).toBe(204)
    expect((await api('DELETE', `/api/repo/${name}`)).body['code']).toBe('file_not_found')
    expect((await serve(`/repo/${name}`)).status).toBe(404)
  })

  it.each([0, 1, 5 * MIB - 1, 5 * MIB, 5 * MIB + 1, 20 * MIB + 1])(
    'stores %i bytes of unknown length as they are',
    async (length) => {
      const name = newFileName()
      const content = pattern(length)
      const path = `/api/repo/${name}`
      const { status } = await reach(path, { method: 'PUT', body: streamed(content) })
      expect(status).toBe(length === 0 ? 400 : 200)
      const found = await stored(name)
      expect(found === undefined ? 0 : Buffer.compare(found, content)).toBe(0)
    },
  )

  it('keeps the earlier file when an upload breaks off', async () => {
    const name = newFileName()
    await putFile(name, 'earlier')
    const body = streamed(pattern(6 * MIB), true)
    const { status } = await reach(`/api/repo/${name}`, { method: 'PUT', body })
    expect(status).toBeGreaterThanOrEqual(400)
    expect(await textAt(`/repo/${name}`)).toBe('earlier')
  })

  it('cannot store a file under a name that is none, or nothing', async () => {
    for (const name of ['.x', '../x', 'a\\b', 'a\nb', 'x'.repeat(201)]) {
      const response = await putFile(name, 'x')
      expect([name, response.status, (await response.json<{ code: string }>()).code]).toEqual([
        name,
        400,
        'invalid_id',
      ])
    }
    const empty = await putFile(newFileName(), '')
    expect(await empty.json()).toMatchObject({ status: 400, code: 'invalid_request' })
    const long = await reach('/api/repo/x.pkg', {
      method: 'PUT',
      headers: { 'content-length': '5000000001' },
      body: 'x',
    })
    expect(await long.json()).toMatchObject({ status: 413, code: 'body_too_large' })
  })

  it('lists files in pages, without what is no file of the repository', async () => {
    const names = [newFileName(), newFileName(), newFileName()].toSorted((a, b) => (a < b ? -1 : 1))
    for (const name of names) {
      await putFile(name, name)
    }
    await bucket.put('folder/y.pkg', 'x')
    await bucket.put('.upload-y', 'x')
    const found: string[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: { body: Listed } = await api<Listed>('GET', `/api/repo?limit=2&cursor=${cursor}`)
      found.push(...page.body.items.map(({ name }) => name))
      cursor = page.body.next
    }
    expect(found.filter((name) => names.includes(name))).toEqual(names)
    expect(found.filter((name) => /\/|^\./.test(name))).toEqual([])
    expect((await api('GET', '/api/repo?cursor=x')).body['code']).toBe('invalid_cursor')
  })
})

describe('the manifest of a package', () => {
  it('is stored beside the package, and names it with its hashes', async () => {
    const name = newFileName()
    await putFile(name, 'xar!')
    const { status, body } = await api('POST', `/api/repo/${name}/manifest`, { title: 'Agent' })
    const plist = name.replace('.pkg', '.plist')
    expect([status, body['name'], body['url']]).toEqual([
      200,
      plist,
      `http://mdm.test/repo/${plist}`,
    ])
    const served = await serve(`/repo/${plist}`)
    expect(readPlist(await bytesOf(served))).toMatchObject({
      items: [
        {
          assets: [
            {
              kind: 'software-package',
              url: `http://mdm.test/repo/${name}`,
              'md5-size': 4,
              md5s: [expect.stringMatching(/^[\da-f]{32}$/)],
              sha256s: body['sha256s'],
            },
          ],
          metadata: { title: 'Agent', kind: 'software', sizeInBytes: 4 },
        },
      ],
    })
  })

  it('needs the facts of an app for iOS, and a package', async () => {
    const ipa = newFileName('ipa')
    await putFile(ipa, 'zip')
    const facts = { bundle_identifier: 'com.example.a', bundle_version: '1' }
    const without = await api('POST', `/api/repo/${ipa}/manifest`, facts)
    expect(without.body['detail']).toContain('json.title')
    const path = `/api/repo/${ipa}/manifest`
    expect((await api('POST', path, { ...facts, title: 'A' })).status).toBe(200)
    const plist = ipa.replace('.ipa', '.plist')
    const other = await api('POST', `/api/repo/${plist}/manifest`, {})
    expect(other).toMatchObject({ status: 400, body: { detail: expect.stringContaining('.pkg') } })
  })
})

describe('with REPO_LINKS=signed', () => {
  const SIGNED = { REPO_LINKS: 'signed' }

  /** What a device gets at a URL. */
  const fetched = async (url: string): Promise<number> =>
    (await reach(url.replace('http://mdm.test', ''), { headers: { authorization: '' } }, SIGNED))
      .status

  it('a file is fetched by a link of the server alone, for its time', async () => {
    const name = newFileName()
    await putFile(name, 'x')
    const link = await reach(`/api/repo/${name}/link?days=2`, {}, SIGNED)
    const { url, expires_at } = await link.json<{ url: string; expires_at: string }>()
    expect(await fetched(`/repo/${name}`)).toBe(404)
    expect(await fetched(url)).toBe(200)
    expect(await fetched(url.replace(name, newFileName()))).toBe(404)
    turn(2 * 86_400_000 + 1000)
    expect(Date.parse(expires_at)).toBeGreaterThan(0)
    expect(await fetched(url)).toBe(404)
  })

  it('a key that may only read gets no link: of files, of commands, of manifests', async () => {
    const name = newFileName()
    await putFile(name, 'x')
    const { udid } = await enrolled()
    const linked = (path: string, key: string): Promise<string> =>
      reach(path, { headers: { authorization: `Bearer ${key}` } }, SIGNED).then((file) =>
        file.text(),
      )
    const reader = await keyWith('read')
    const link = await reach(`/api/repo/${name}/link`, {}, SIGNED)
    const { url } = await link.json<{ url: string }>()
    const command = { request_type: 'InstallEnterpriseApplication', manifest_url: url }
    await api('POST', `/api/devices/${udid}/commands`, command)
    const [sig = ''] = /sig=[\w-]{43}/.exec(url) ?? []
    expect(await linked(`/api/commands/${udid}.1`, reader)).not.toContain(sig)
    expect(await linked(`/api/repo/${name}`, reader)).not.toContain('sig=')
    expect(await linked(`/api/repo/${name}`, await keyWith('read', 'command'))).toContain('sig=')
    const apps = { method: 'POST', headers: { authorization: `Bearer ${reader}` }, body: '{}' }
    expect((await reach('/v1/apps', apps, SIGNED)).status).toBe(403)
  })

  it('a manifest names its package by such a link', async () => {
    const name = newFileName()
    await putFile(name, 'x')
    const path = `/api/repo/${name}/manifest`
    const response = await reach(path, { method: 'POST', body: '{"days":10}' }, SIGNED)
    const made = await response.json<{ package_url: string; url: string }>()
    turn(9 * 86_400_000)
    expect(await fetched(made.package_url)).toBe(200)
    const plain = await stored(name.replace('.pkg', '.plist'))
    const manifest = new TextDecoder().decode(plain).replaceAll('&amp;', '&')
    expect(manifest).toContain(`<string>${made.package_url}</string>`)
  })
})

it('a bucket that does not answer is 503, and the text says to try again', async () => {
  const failing = (): never => {
    throw new Error('head: We encountered an internal error. Please try again. (10001)')
  }
  const REPO = { head: failing, put: failing }
  const put = { method: 'PUT', body: 'x' }
  const answers = [
    await reach('/repo/x.pkg', {}, { REPO }),
    await reach('/api/repo/x.pkg', put, { REPO }),
  ]
  for (const response of answers) {
    const { error, detail } = await response.json<Record<string, string>>()
    expect([response.status, error ?? detail]).toEqual([
      503,
      'the bucket (R2) does not answer just now: try again',
    ])
  }
})

describe('without a bucket', () => {
  it.each([
    ['GET', '/repo/x.pkg'],
    ['PUT', '/v1/apps'],
    ['POST', '/v1/apps'],
    ['GET', '/api/repo'],
    ['PUT', '/api/repo/x.pkg'],
    ['POST', '/api/repo/x.pkg/manifest'],
  ])('%s %s says what to add', async (method, path) => {
    const body = method === 'GET' ? {} : { body: '{}' }
    const response = await reach(path, { method, ...body }, { REPO: undefined })
    const { error, detail } = await response.json<Record<string, string>>()
    expect([response.status, error ?? detail]).toEqual([
      503,
      expect.stringContaining('remove the # before r2_buckets in wrangler.toml'),
    ])
  })
})
