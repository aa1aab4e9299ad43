import { describe, expect, it } from 'vitest'
import { problemOf } from '../../../src/enroll/stored-profile.ts'
import { signAttached } from '../../../src/pki/cms/sign.ts'
import { writePlist } from '../../../src/plist/write.ts'
import { nodeIdentity } from '../pki/node-identity.ts'

const plist = writePlist({ PayloadIdentifier: 'a.b', PayloadType: 'Configuration' })
const signer = nodeIdentity({ key: 'ec' })
const signed = signAttached({ ...signer, body: plist, digest: 'sha256' })

function problem(mobileconfig: Uint8Array | string, identifier = 'a.b') {
  return problemOf({ identifier, mobileconfig: Buffer.from(mobileconfig) })
}

describe('a profile that an admin stores', () => {
  it('may be plain or signed, by any signer', () => {
    expect(problem(plist)).toBeUndefined()
    expect(problem(signed)).toBeUndefined()
  })

  it.each([
    ['an empty line first', '\n<?xml version="1.0"?>'],
    ['a byte order mark', '\ufeff<?xml version="1.0"?>'],
    ['a comment first', '<!-- -- --><?xml version="1.0"?>'],
    ['no declaration', ''],
    ['no space between the ids', '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN""x">'],
  ])('may have %s', (_, before) => {
    const body = '<dict><key>PayloadIdentifier</key><string>a.b</string></dict>'
    for (const document of [`${before}<plist>${body}</plist>`, before + body]) {
      expect(problem(document)).toBeUndefined()
      const bytes = Buffer.from(document)
      expect(problem(signAttached({ ...signer, body: bytes, digest: 'sha256' }))).toBeUndefined()
    }
  })

  it('is refused in MicroMDM’s words', () => {
    expect(problem(plist, '')).toBe('Profile struct must have Identifier')
    expect(problem('')).toBe('no Mobileconfig data')
    expect(problem('hello')).toBe('Mobileconfig is not XML nor PKCS7 parseable')
    expect(problem(plist, 'a.c')).toBe('payload Identifier does not match Profile')
    expect(problem(signed, 'a.c')).toBe('payload Identifier does not match Profile')
    const nameless = 'empty PayloadIdentifier in profile'
    expect(problem(writePlist({ PayloadType: 'Configuration' }))).toBe(nameless)
    expect(problem(writePlist({ PayloadIdentifier: '' }))).toBe(nameless)
  })

  it('is refused when its signature does not match or its plist cannot be read', () => {
    const changed = Buffer.from(signed)
    changed[changed.indexOf('a.b')] = 'x'.charCodeAt(0)
    expect(problem(changed)).toMatch(/^Mobileconfig signature: messageDigest/)
    expect(problem(signed.subarray(0, -1))).toMatch(/not XML nor PKCS7/)
    expect(problem('<?xml version="1.0"?><plist>')).toMatch(/^plist: /)
    expect(problem(writePlist({ PayloadIdentifier: 1 }))).toMatch(/PayloadIdentifier/)
  })
})
