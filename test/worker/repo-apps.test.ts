import { describe, expect, it } from 'vitest'
import { writePlistText } from '../../src/plist/write.ts'
import {
  appForm,
  bucket,
  FORM_TYPE,
  formOf,
  MANIFEST,
  MIB,
  newFileName,
  pattern,
  sendForm,
  stored,
  streamed,
  textAt,
} from './repo-tools.ts'
import { api } from './server.ts'

interface Apps {
  apps?: { name: string; payload: string }[]
}

const same = async (name: string, content: Uint8Array): Promise<boolean> =>
  Buffer.compare((await stored(name)) ?? new Uint8Array(), content) === 0

describe('PUT /v1/apps', () => {
  it('stores what mdmctl uploads: the bytes first, then the name', async () => {
    const name = newFileName()
    const content = pattern(11 * MIB + 17)
    expect(await sendForm(appForm(name, content, MANIFEST))).toEqual({ status: 200, body: {} })
    expect(await same(name, content)).toBe(true)
    const plist = name.replace('.pkg', '.plist')
    expect(await textAt(`/repo/${plist}`)).toBe(MANIFEST)
  })

  it('stores a file under the last part of its name', async () => {
    const name = newFileName()
    const file = { name: 'pkg_filedata', filename: name, content: 'x' }
    await sendForm(formOf(file, { name: 'pkg_name', content: `../../${name}` }))
    expect(await textAt(`/repo/${name}`)).toBe('x')
    const before = await bucket.list()
    for (const wrong of ['..', '../..', '.profile', 'a\tb.pkg']) {
      const { status, body } = await sendForm(formOf(file, { name: 'pkg_name', content: wrong }))
      expect([status, body['error']]).toEqual([400, expect.stringContaining('pkg_name: a file’s')])
    }
    expect((await bucket.list()).objects).toHaveLength(before.objects.length)
  })

  it.each([1, 6 * MIB])(
    'gives %i bytes the name that follows, whatever the part says',
    async (size) => {
      const [name, other] = [newFileName(), newFileName()]
      const content = pattern(size)
      for (const filename of [other, '../', '']) {
        const form = formOf(
          { name: 'pkg_filedata', filename, content },
          { name: 'pkg_name', content: name },
        )
        expect((await sendForm(form)).status).toBe(200)
        expect(await same(name, content)).toBe(true)
        await bucket.delete(name)
      }
      expect(await bucket.head(other)).toBeNull()
      const left = (await bucket.list({ prefix: '.upload-' })).objects
      expect(left).toEqual([])
    },
  )

  it('takes a name that comes before the bytes', async () => {
    const [name, other] = [newFileName(), newFileName()]
    const content = pattern(6 * MIB)
    const form = formOf(
      { name: 'pkg_name', content: name },
      { name: 'pkg_filedata', filename: other, content },
    )
    expect((await sendForm(form)).status).toBe(200)
    expect(await same(name, content)).toBe(true)
  })

  it('does not replace another file on the way to its name', async () => {
    const [name, other] = [newFileName(), newFileName()]
    await bucket.put(other, 'other')
    const { status, body } = await sendForm(
      formOf(
        { name: 'pkg_filedata', filename: other, content: pattern(6 * MIB) },
        { name: 'pkg_name', content: name },
      ),
    )
    expect([status, body['error']]).toEqual([
      409,
      expect.stringContaining('the name before the bytes'),
    ])
    expect(await (await bucket.get(other))?.text()).toBe('other')
    expect(await bucket.head(name)).toBeNull()
  })

  it('drops a file without a name, and takes the first of two', async () => {
    const [one, two] = [newFileName(), newFileName()]
    const named = { name: 'pkg_name', content: two }
    await sendForm(formOf({ name: 'pkg_filedata', filename: one, content: pattern(6 * MIB) }))
    expect(await bucket.head(one)).toBeNull()
    await sendForm(
      formOf(
        { name: 'other', filename: one, content: 'other' },
        { name: 'pkg_filedata', filename: two, content: 'first' },
        { name: 'pkg_filedata', filename: two, content: 'second' },
        named,
        { name: 'pkg_name', content: one },
      ),
    )
    expect(await (await bucket.get(two))?.text()).toBe('first')
    expect(await bucket.head(one)).toBeNull()
  })

  it('leaves everything as it was when the form breaks off', async () => {
    const name = newFileName()
    const plist = name.replace('.pkg', '.plist')
    await bucket.put(name, 'earlier')
    const form = appForm(name, pattern(6 * MIB), MANIFEST)
    expect((await sendForm(form.slice(0, -100))).status).toBe(400)
    expect((await sendForm(streamed(form.slice(0, -100), true))).status).toBeGreaterThanOrEqual(400)
    expect(await (await bucket.get(name))?.text()).toBe('earlier')
    expect(await bucket.head(plist)).toBeNull()
  })

  it('refuses what is no form', async () => {
    const wrong = await sendForm(formOf(), 'application/json')
    expect(wrong).toEqual({
      status: 500,
      body: { error: "request Content-Type isn't multipart/form-data" },
    })
    const other = FORM_TYPE.replace('=c', '=d')
    expect((await sendForm(appForm(newFileName(), 'x', MANIFEST), other)).status).toBe(400)
  })
})

describe('POST /v1/apps', () => {
  const listed = (body: object) => api<Apps & { error?: string }>('POST', '/v1/apps', body)

  async function emptied(): Promise<void> {
    const { objects } = await bucket.list()
    await bucket.delete(objects.map(({ key }) => key))
  }

  it('is {} without apps', async () => {
    await emptied()
    expect(await listed({})).toEqual({ status: 200, body: {} })
  })

  it('lists manifests, and no file that only has their end', async () => {
    await emptied()
    await bucket.put('b.plist', MANIFEST)
    await bucket.put('a.plist', MANIFEST)
    await bucket.put('bad.plist', '<plist')
    await bucket.put('other.plist', writePlistText({ PayloadIdentifier: 'x' }))
    await bucket.put('long.plist', 'x'.repeat(1_000_001))
    await bucket.put('a.pkg', 'xar!')
    const payload = btoa(MANIFEST)
    const [a, b] = ['a.plist', 'b.plist'].map((name) => ({ name, payload }))
    expect(await listed({})).toEqual({ status: 200, body: { apps: [a, b] } })
    // mdmctl sends an empty name for all.
    expect((await listed({ filter_name: [''] })).body).toEqual({ apps: [a, b] })
    expect((await listed({ filter_name: ['b.plist'] })).body).toEqual({ apps: [b] })
    expect((await listed({ Opts: { filter_name: ['b.plist'] } })).body).toEqual({ apps: [b] })
    for (const name of ['none.plist', 'bad.plist', 'long.plist', '../a.plist']) {
      expect(await listed({ filter_name: [name] })).toEqual({
        status: 500,
        body: { error: `not found: App ${name}` },
      })
    }
  })

  it('asks for names when there are too many', async () => {
    await emptied()
    const large = MANIFEST.replace('</plist>', `</plist>${' '.repeat(990_000)}`)
    for (let at = 0; at < 11; at++) {
      await bucket.put(`${at}.plist`, large)
    }
    expect((await listed({})).body.error).toContain('name some in filter_name')
    expect((await listed({ filter_name: ['3.plist'] })).body.apps).toHaveLength(1)
    await emptied()
  })
})
