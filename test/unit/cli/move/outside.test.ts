import { mkdirSync, mkdtempSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readRepository } from '../../../../src/cli/move/filerepo.ts'
import { installPushPair, writePushPair } from '../../../../src/cli/move/push-pair.ts'
import { readCopy } from '../../../../src/cli/move/source.ts'
import { simulatedPushCertificate } from '../../../../src/cli/state.ts'
import { checkPushCertificate } from '../../../../src/pki/x509/push-certificate.ts'
import { NOW } from './fleet.ts'
import { calling, serving, type Asked } from './http.ts'

const folder = (): string => mkdtempSync(join(tmpdir(), 'edgemdm-move-'))
const pair = simulatedPushCertificate(NOW)
const check = checkPushCertificate(pair.certificate, pair.key, NOW)
const topic = check.ok ? check.topic : ''

it('a copy comes from a file, or from a running MicroMDM with its API key', async () => {
  const file = join(folder(), 'micromdm.db')
  writeFileSync(file, 'bolt')
  expect(await readCopy({ kind: 'file', path: file }, { fetch })).toEqual({
    name: 'micromdm.db',
    bytes: Buffer.from('bolt'),
  })
  const asked: Asked[] = []
  const url = await serving((one) => {
    asked.push(one)
    return { status: 200, body: Buffer.from('bolt') }
  })
  const copy = await readCopy({ kind: 'server', url, apiKey: 'secret' }, { fetch })
  expect(copy).toEqual({ name: new URL(url).host, bytes: new Uint8Array(Buffer.from('bolt')) })
  expect(asked).toMatchObject([
    { path: '/boltbackup', authorization: `Basic ${btoa('micromdm:secret')}` },
  ])
})

it('a copy that is not there, or is a folder, is named with the reason', async () => {
  const path = folder()
  const read = (named: string) => readCopy({ kind: 'file', path: named }, { fetch })
  await expect(read(path)).rejects.toThrow(`${path}: it is a folder`)
  await expect(read('status')).rejects.toThrow(
    'status: no such file or directory. An option begins with --, and a URL with https://',
  )
  expect(() => readRepository(join(path, 'none'))).toThrow(/none: no such file or directory$/)
})

it.each([
  [{ status: 401 }, /\/boltbackup answered 401: check --from-api-key/],
  [{ status: 301, headers: { location: 'https://other.test/' } }, /leads to https:\/\/other\.test/],
  ['close' as const, /does not answer/],
])('MicroMDM’s answer %j is explained, and its API key goes nowhere else', async (said, reason) => {
  const url = await serving(() => said)
  const copy = readCopy({ kind: 'server', url, apiKey: 'secret' }, { fetch })
  await expect(copy).rejects.toThrow(reason)
})

it('the files of a repository are counted, and folders, links and odd names are left out', () => {
  const repository = folder()
  mkdirSync(join(repository, 'apps'))
  writeFileSync(join(repository, 'app.plist'), 'manifest')
  writeFileSync(join(repository, 'app.pkg'), Buffer.alloc(1_000_001))
  writeFileSync(join(repository, 'a\nb'), 'x')
  symlinkSync('/etc', join(repository, 'etc'))
  expect(readRepository(repository)).toEqual({
    folder: repository,
    files: [
      { name: 'app.pkg', size: 1_000_001 },
      { name: 'app.plist', size: 8 },
    ],
    skipped: ['apps', 'a\ufffdb', 'etc'],
  })
  expect(() => readRepository(join(repository, 'none'))).toThrow('--filerepo')
})

it('the push certificate and its key are written for their owner alone, with the line that binds them', () => {
  const to = join(folder(), 'push here')
  const lines = writePushPair(to, pair)
  expect(lines.at(-1)).toBe(
    `  npm run push-cert -- install --cert '${to}/push.pem' --key '${to}/push.key' --production`,
  )
  expect(readFileSync(join(to, 'push.pem'), 'utf8')).toBe(pair.certificate)
  expect(readFileSync(join(to, 'push.key'), 'utf8')).toBe(pair.key)
  expect(statSync(join(to, 'push.key')).mode & 0o777).toBe(0o600)
  expect(() => writePushPair(to, undefined)).toThrow('the copy has no push certificate')
})

it('the push certificate is installed where the server takes it, in place of one of another topic', async () => {
  const put: string[] = []
  const answering = (inUse: string, status = 200) =>
    calling(({ method, body }) => {
      if (method === 'PUT') {
        put.push(body)
      }
      return method === 'PUT'
        ? { status, body: { error: 'install it with --production' } }
        : { status: 200, body: { topic: inUse } }
    })
  expect(await installPushPair((await answering(topic)).call, pair)).toContain('already')
  expect(put).toEqual([])
  expect(await installPushPair((await answering('other')).call, pair)).toContain('from now on')
  expect(put).toEqual([JSON.stringify({ cert: btoa(pair.certificate), key: btoa(pair.key) })])
  expect(await installPushPair((await answering('other', 409)).call, pair)).toMatch(
    /not installed: .*install it with --production.*--push-cert-dir/,
  )
})
