import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { readAssociations } from '../../../../src/cli/move/bindings.ts'

const hash = (digit: string) => digit.repeat(64)
const A = hash('a')
const B = hash('b')
const C = hash('c')

/** What is read of files with these contents; the first one is named. */
function read(files: Readonly<Record<string, string>>, named = Object.keys(files)[0] ?? '') {
  const folder = mkdtempSync(join(tmpdir(), 'edgemdm-bindings-'))
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
  return readAssociations(join(folder, named))
}

const idsOf = (files: Readonly<Record<string, string>>, named?: string) =>
  read(files, named).devices.map(({ id, bindings = [] }) => [
    id,
    ...bindings.map(({ fingerprint }) => fingerprint),
  ])

it.each([
  ['mysql --batch', `id\tsha256\nUDID-2\t${B}\nUDID-1\t${A}\n`],
  [
    'CSV with quotes and further columns',
    `"created_at","SHA256","id"\n"x","${A}","UDID-1"\n"x","${B}","UDID-2"`,
  ],
  ['CSV without names', `UDID-1,${A}\r\nUDID-2,${B.toUpperCase()}\r\n`],
  ['a semicolon and a byte order mark', `\ufeffid;sha256\nUDID-1;${A}\nUDID-2;${B}`],
  [
    'JSON',
    JSON.stringify([
      { id: 'UDID-1', sha256: A },
      { id: 'UDID-2', sha256: B },
    ]),
  ],
])('bindings are read from %s', (_, text) => {
  expect(idsOf({ table: text })).toEqual([
    ['UDID-1', A],
    ['UDID-2', B],
  ])
})

it('a record has the bindings alone, so that nothing else of the device changes', () => {
  expect(read({ table: `UDID-1,${A}` }).devices).toEqual([
    {
      id: 'UDID-1',
      type: 'Device',
      source: 'nanomdm',
      channels: [],
      bindings: [{ fingerprint: A }],
    },
  ])
})

it('a device keeps several certificates, and of many the newest five', () => {
  const rows = ['1', '2', '3', '4', '5', '6', '7'].map(
    (digit) => `UDID-1,${hash(digit)},2026-0${8 - Number(digit)}-01`,
  )
  const { devices, odd } = read({ table: `id,sha256,created_at\n${rows.join('\n')}` })
  expect(devices[0]?.bindings?.map(({ fingerprint }) => fingerprint[0])).toEqual([
    '5',
    '4',
    '3',
    '2',
    '1',
  ])
  expect(odd).toMatchObject([{ what: 'many_bindings', about: 'UDID-1' }])
})

it('a certificate of two ids proves neither of them, and wrong rows are named', () => {
  const text = `UDID-1,${A}\nUDID-2,${A}\nUDID-2,${B}\nUDID 3,${C}\nUDID-4,12ab`
  const { devices, odd } = read({ table: text })
  expect(devices.map(({ id, bindings }) => [id, bindings])).toEqual([
    ['UDID-2', [{ fingerprint: B }]],
  ])
  expect(odd.map(({ what, about }) => [what, about])).toEqual([
    ['bad_binding', 'UDID 3'],
    ['bad_binding', 'UDID-4'],
    ['binding_shared', 'UDID-1'],
    ['binding_shared', 'UDID-2'],
  ])
})

it('the file storage accepts the last certificate of an id', () => {
  const log = `UDID-1,${A}\nUDID-2,${B}\nUDID-1,${C}\n`
  const expected = [
    ['UDID-1', C],
    ['UDID-2', B],
  ]
  expect(idsOf({ 'CertAuth.txt': log })).toEqual(expected)
  expect(idsOf({ 'CertAuth.txt': log }, '.')).toEqual(expected)
})

it('the diskv storage has a file for each id', () => {
  const files = {
    'cert_auth/UD/ID/UDID-1.cert_hash': A,
    [`cert_auth/aa/aa/${A}.hash_cert`]: 'UDID-1',
    'cert_auth/UD/ID/UDID-2.cert_hash': B,
  }
  expect(idsOf(files, '.')).toEqual([
    ['UDID-1', A],
    ['UDID-2', B],
  ])
})

it.each([
  [{ table: 'serial,name\nC02,Mac' }, 'has neither a SHA-256 nor the names id and sha256'],
  [{ table: '[{"id":' }, 'it is no JSON'],
  [{ table: '' }, 'neither a SHA-256'],
  [{ table: '[]' }, 'no bindings are in it'],
  [{ table: 'id,sha256\nUDID-1,AA:BB' }, 'no row can be used. The first is of UDID-1: It is left'],
])('%j is refused with a reason', (files, reason) => {
  expect(() => read(files)).toThrow(reason)
})

it('a folder that is no storage of NanoMDM is refused', () => {
  expect(() => read({ 'other.txt': '' }, '.')).toThrow('neither CertAuth.txt nor cert_auth')
})
