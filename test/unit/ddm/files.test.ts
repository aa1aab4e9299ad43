import { expect, it } from 'vitest'
import { expandFiles, filesIn, MEDIA_TYPE, type FileFacts } from '../../../src/ddm/files.ts'

const ORIGIN = 'https://mdm.example.com'
const PROFILE: FileFacts = {
  sha256: 'aa'.repeat(32),
  size: 3,
  contentType: 'application/x-apple-aspen-config',
  profile: 'com.example.wifi',
}
const JSON_FILE: FileFacts = {
  sha256: 'bb'.repeat(32),
  size: 38,
  contentType: 'application/json',
  profile: '',
}
const FILES = new Map([
  ['wifi.mobileconfig', PROFILE],
  ['ada-mail', JSON_FILE],
])
const url = ({ sha256 }: FileFacts, type: string) =>
  `${ORIGIN}/ddm/files/${sha256}?type=${encodeURIComponent(type)}`
const expand = (payload: unknown) => expandFiles(payload, FILES, ORIGIN)

it('a profile’s file becomes its URL, and the payload given stays as it is', () => {
  const payload = { ProfileURL: 'file:wifi.mobileconfig' }
  expect(expand(payload)).toEqual({
    payload: { ProfileURL: url(PROFILE, PROFILE.contentType) },
    names: ['wifi.mobileconfig'],
    sha256s: [PROFILE.sha256],
    profiles: ['com.example.wifi'],
  })
  expect(payload).toEqual({ ProfileURL: 'file:wifi.mobileconfig' })
})

it('the reference of an asset gets the type, size and hash of its file', () => {
  expect(expand({ Reference: { DataURL: 'file:ada-mail' } })).toMatchObject({
    payload: {
      Reference: {
        DataURL: url(JSON_FILE, 'application/json'),
        ContentType: 'application/json',
        Size: 38,
        'Hash-SHA-256': JSON_FILE.sha256,
      },
    },
  })
})

it('a content type that a payload states is the one that is served', () => {
  const Reference = { DataURL: 'file:ada-mail', ContentType: 'text/plain; charset=utf-8' }
  expect(expand({ Reference })).toMatchObject({
    payload: {
      Reference: {
        DataURL: url(JSON_FILE, 'text/plain; charset=utf-8'),
        ContentType: 'text/plain; charset=utf-8',
        Size: 38,
      },
    },
  })
})

it('other URLs, other keys and texts that only contain a name stay', () => {
  const payload = {
    ManifestURL: 'https://files.example.com/file:ada-mail',
    DetailsURL: 'file:ada-mail',
    list: ['file:ada-mail', 5, null, { ProfileURL: 'see file:ada-mail' }],
  }
  expect(expand(payload)).toEqual({ payload, names: [], sha256s: [], profiles: [] })
  expect(filesIn(payload)).toEqual([])
})

it('names are found at any depth, each once', () => {
  const payload = {
    a: [{ DataURL: 'file:x' }, { ManifestURL: 'file:y', b: { DataURL: 'file:x' } }],
  }
  expect(filesIn(payload).toSorted()).toEqual(['x', 'y'])
})

it.each([
  ['an unknown name', { ProfileURL: 'file:nothing' }, 'no file is named nothing'],
  ['a path', { ProfileURL: 'file:///etc/hosts' }, 'no file is named ///etc/hosts'],
  [
    'another size',
    { Reference: { DataURL: 'file:ada-mail', Size: 5 } },
    'Size: the file ada-mail has 38',
  ],
  [
    'another hash',
    { Reference: { DataURL: 'file:ada-mail', 'Hash-SHA-256': 'cc' } },
    'Hash-SHA-256: the file ada-mail has bb',
  ],
  [
    'a content type that no header can hold',
    { Reference: { DataURL: 'file:ada-mail', ContentType: 'text/plain\r\nx: y' } },
    'ContentType: it is no media type',
  ],
  [
    'a download without the identity of the device',
    { Reference: { DataURL: 'file:ada-mail' }, Authentication: { Type: 'None' } },
    'Authentication: files are given to managed devices only',
  ],
])('a payload with %s is refused', (_, payload, fault) => {
  expect(expand(payload)).toEqual({ fault: expect.stringContaining(fault) })
})

it('media types with parameters are read, and headers cannot be forged with one', () => {
  expect(
    ['text/plain', 'application/pkcs1', 'text/xml; charset=utf-8'].map((t) => MEDIA_TYPE.test(t)),
  ).toEqual([true, true, true])
  expect(
    ['', 'text', 'text/plain\n', 'text/plain, text/html', 'a/b; c'].map((t) => MEDIA_TYPE.test(t)),
  ).toEqual([false, false, false, false, false])
})
