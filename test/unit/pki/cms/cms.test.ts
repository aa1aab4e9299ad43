import { createHash, createPrivateKey, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import {
  decodeSignatureHeader,
  signedContent,
  verifyDetached,
} from '../../../../src/pki/cms/cms.ts'
import { signAttached, signDetached } from '../../../../src/pki/cms/sign.ts'
import {
  element,
  integer,
  oid,
  octetString,
  sequence,
  setOf,
} from '../../../../src/pki/asn1/der-write.ts'
import { readIssuerAndSerial } from '../../../../src/pki/cms/signed-data.ts'
import { readPem } from '../../../../src/pki/x509/certificate.ts'
import { nodeIdentity } from '../node-identity.ts'
import { EC_256, EC_384, openOpenssl, opensslSign, RSA } from '../openssl.ts'

const VECTORS = join(import.meta.dirname, '../../../vectors')
const body = Buffer.from('<plist><dict><key>Status</key><string>Idle</string></dict></plist>\r\n')
const other = Buffer.from('<plist><dict><key>Status</key><string>Busy</string></dict></plist>\r\n')
const DIGESTS = ['sha1', 'sha256', 'sha384', 'sha512'] as const

const openssl = openOpenssl()
const expired = nodeIdentity({ subject: [], notAfter: Date.UTC(2021, 0) })
const rsa = openssl.identity('rsa', RSA)
const ec = openssl.identity('ec', EC_256)
const ec384 = openssl.identity('ec384', EC_384)
afterAll(openssl.cleanUp)

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function reasonOf(der: Uint8Array, over: Uint8Array = body): string {
  const check = verifyDetached(der, over)
  return check.ok ? 'accepted' : check.reason
}

describe('the shared vectors', () => {
  const vectors: { header: string; body: string; signer?: string; ok: boolean }[] = JSON.parse(
    readFileSync(join(VECTORS, 'cms.json'), 'utf8'),
  )

  it.each(vectors)('$header over $body is accepted: $ok', (vector) => {
    const der = decodeSignatureHeader(readFileSync(join(VECTORS, vector.header), 'latin1'))
    const check = verifyDetached(der ?? new Uint8Array(), readFileSync(join(VECTORS, vector.body)))
    expect(check.ok).toBe(vector.ok)
    if (check.ok) {
      const [signer] = readPem(readFileSync(join(VECTORS, vector.signer ?? ''), 'utf8'))
      expect(check.certificate).toEqual(signer)
      expect(check.fingerprint).toBe(sha256(check.certificate))
    }
  })
})

describe('signatures made by OpenSSL', () => {
  const signers = [
    { name: 'RSA', signer: rsa },
    { name: 'P-256', signer: ec },
    { name: 'P-384', signer: ec384 },
  ]
  const cases = [
    ...DIGESTS.flatMap((digest) =>
      signers.flatMap((each) => [[], ['-noattr']].map((options) => ({ digest, ...each, options }))),
    ),
    ...[['-stream'], ['-nodetach'], ['-nodetach', '-stream'], ['-noattr', '-stream']].map(
      (options) => ({ digest: 'sha256', name: 'RSA', signer: rsa, options }),
    ),
  ]

  it.each(cases)('$name with $digest $options is accepted for its body only', (testCase) => {
    const { digest, signer, options } = testCase
    const der = opensslSign(openssl, signer, body, ['-md', digest, ...options])
    expect(verifyDetached(der, body)).toMatchObject({
      ok: true,
      certificate: signer.certificate,
      fingerprint: sha256(signer.certificate),
      others: [],
    })
    expect(verifyDetached(der, other).ok).toBe(false)
  })

  it('returns the embedded certificates that did not sign', () => {
    const der = opensslSign(openssl, rsa, body, ['-certfile', ec.certificateFile])
    const check = verifyDetached(der, body)
    expect(check.ok && check.others).toEqual([ec.certificate])
  })

  it('accepts an empty body', () => {
    const empty = new Uint8Array()
    expect(verifyDetached(opensslSign(openssl, rsa, empty, []), empty).ok).toBe(true)
    expect(verifyDetached(opensslSign(openssl, rsa, empty, ['-noattr']), empty).ok).toBe(true)
  })
})

describe('the form that Apple devices send', () => {
  // iOS and macOS: indefinite lengths outside, SHA-1, sha1WithRSAEncryption, no attributes, empty subject.
  const plain = signDetached({ ...expired, body, digest: 'sha1', withAttributes: false })

  it('is accepted, the identity being expired', () => {
    const check = verifyDetached(likeApple(plain), body)
    expect(check.ok && check.certificate).toEqual(expired.certificate)
    expect(verifyDetached(likeApple(plain), other).ok).toBe(false)
  })

  it.each([
    ['cut short', (der: Uint8Array) => der.subarray(0, -1)],
    ['without any end', (der: Uint8Array) => der.subarray(0, -8)],
    ['followed by a byte', (der: Uint8Array) => Buffer.concat([der, Uint8Array.of(0)])],
  ])('is refused when %s', (_, change) => {
    expect(verifyDetached(change(likeApple(plain)), body).ok).toBe(false)
  })

  /** Definite outer lengths made indefinite, and the algorithm named with its hash, as iOS does. */
  function likeApple(der: Uint8Array): Uint8Array {
    const hex = Buffer.from(der).toString('hex')
    const start = hex.indexOf('020101310b') // version, digestAlgorithms
    const fields = hex
      .slice(start)
      .replace('300b06092a864886f70d010701', '308006092a864886f70d0107010000')
      .replace('300d06092a864886f70d01010105000482', '300d06092a864886f70d01010505000482')
    return Buffer.from(`308006092a864886f70d010702a0803080${fields}000000000000`, 'hex')
  }
})

describe('an Mdm-Signature is refused for', () => {
  it.each([
    ['a signer named by key identifier', ['-keyid'], /key identifier/],
    ['RSA-PSS', ['-keyopt', 'rsa_padding_mode:pss'], /parameters|not accepted/],
    ['SHA-224', ['-md', 'sha224'], /not accepted/],
    ['no embedded certificate', ['-nocerts'], /not embedded/],
    ['two signers', ['-signer', ec.certificateFile, '-inkey', ec.keyFile], /more than one signer/],
    ['another content type', ['-econtent_type', '1.2.3.4'], /id-data/],
  ])('%s', (_, options, reason) => {
    expect(reasonOf(opensslSign(openssl, rsa, body, options))).toMatch(reason)
  })

  it('a signer that shares issuer and serial number with another embedded certificate', () => {
    const impostor = nodeIdentity({ subject: [], notAfter: Date.UTC(2031, 0) })
    const der = signDetached({ ...expired, body, digest: 'sha256', chain: [impostor.certificate] })
    expect(reasonOf(der)).toMatch(/two certificates/)
  })

  it('a signature algorithm that names another hash than the signer does', () => {
    const der = Buffer.from(opensslSign(openssl, ec, body, ['-md', 'sha256']))
    const hex = der
      .toString('hex')
      .replace(/300a06082a8648ce3d040302(?=04)/, '300a06082a8648ce3d040303')
    expect(reasonOf(Buffer.from(hex, 'hex'))).toMatch(/not accepted with sha256/)
  })

  it.each([
    ['nothing', new Uint8Array()],
    ['text', Buffer.from('hello')],
    ['a certificate', rsa.certificate],
    ['an endless sequence', Uint8Array.of(0x30, 0x80)],
    ['only ends', new Uint8Array(100)],
    ['nesting without end', new Uint8Array(16_000).fill(0x30)],
    ['indefinite nesting without end', Buffer.alloc(16_000, '3080', 'hex')],
  ])('%s', (_, der) => {
    expect(verifyDetached(der, body).ok).toBe(false)
  })
})

describe('signed attributes', () => {
  const type = sequence(oid('1.2.840.113549.1.9.3'), setOf(oid('1.2.840.113549.1.7.1')))
  const digest = digestAttribute(body)

  it.each([
    ['both mandatory ones', [type, digest], 'accepted'],
    ['no contentType', [digest], /missing/],
    ['no messageDigest', [type], /missing/],
    [
      'contentType of something else',
      [sequence(oid('1.2.840.113549.1.9.3'), setOf(oid('1.2.3.4'))), digest],
      /eContentType/,
    ],
    ['messageDigest of another body', [type, digestAttribute(other)], /does not match the body/],
    ['messageDigest twice', [type, digest, digestAttribute(other)], /more than one/],
    ['contentType twice', [type, type, digest], /more than one/],
    ['messageDigest with two values', [type, digestAttribute(body, other)], /more than one/],
    ['messageDigest without a value', [type, digestAttribute()], /truncated/],
  ])('with %s', (_, attributes, outcome) => {
    expect(reasonOf(withAttributes(attributes))).toMatch(outcome)
  })

  it('are verified themselves, and not only compared', () => {
    const der = Buffer.from(withAttributes([type, digest]))
    const hash = createHash('sha256').update(body).digest()
    createHash('sha256').update(other).digest().copy(der, der.indexOf(hash))
    expect(reasonOf(der, other)).toBe('the signature does not match')
  })

  function digestAttribute(...bodies: Uint8Array[]): Uint8Array {
    const hashes = bodies.map((each) => octetString(createHash('sha256').update(each).digest()))
    return sequence(oid('1.2.840.113549.1.9.4'), setOf(...hashes))
  }

  /** A good signature over just these attributes. */
  function withAttributes(attributes: Uint8Array[]): Uint8Array {
    const { certificate, privateKey } = expired
    const { issuer, serial } = readIssuerAndSerial(certificate)
    const set = setOf(...attributes)
    const sha = sequence(oid('2.16.840.1.101.3.4.2.1'))
    const signer = sequence(
      integer(1),
      sequence(issuer, integer(serial)),
      sha,
      Uint8Array.from(set).fill(0xa0, 0, 1),
      sequence(oid('1.2.840.113549.1.1.1')),
      octetString(sign('sha256', set, privateKey)),
    )
    const encapsulated = sequence(oid('1.2.840.113549.1.7.1'))
    const certificates = element(0xa0, certificate)
    const fields = sequence(integer(1), setOf(sha), encapsulated, certificates, setOf(signer))
    return sequence(oid('1.2.840.113549.1.7.2'), element(0xa0, fields))
  }
})

describe('the server’s own signatures', () => {
  const key = createPrivateKey(readFileSync(rsa.keyFile))
  const ecKey = createPrivateKey(readFileSync(ec.keyFile))

  it.each(DIGESTS.flatMap((digest) => [true, false].map((attributes) => ({ digest, attributes }))))(
    'are accepted by OpenSSL and by us: $digest, attributes $attributes',
    ({ digest, attributes }) => {
      for (const [{ certificate }, privateKey] of [
        [rsa, key],
        [ec, ecKey],
      ] as const) {
        const options = { certificate, privateKey, body, digest, withAttributes: attributes }
        const der = signDetached({
          ...options,
          ...(attributes && { signingTime: Date.UTC(2026, 5) }),
        })
        expect(verifyDetached(der, body).ok).toBe(true)
        openssl.run([...VERIFY, '-content', openssl.file('body', body)], der)
        const attached = signAttached({ ...options, chain: [ec384.certificate] })
        expect(openssl.run(VERIFY, attached)).toEqual(body)
        expect(signedContent(attached)).toEqual(new Uint8Array(body))
      }
    },
  )

  const VERIFY = ['cms', '-verify', '-binary', '-inform', 'DER', '-noverify']
})

describe('the content of a signed profile', () => {
  it.each([
    ['cms', ['-nodetach']],
    ['cms in pieces', ['-nodetach', '-stream']],
  ])('is read from openssl %s', (_, options) => {
    const large = Buffer.alloc(100_000, 'profile ')
    expect(signedContent(opensslSign(openssl, rsa, large, options))).toEqual(new Uint8Array(large))
  })

  it('is undefined without content', () => {
    expect(signedContent(opensslSign(openssl, rsa, body, []))).toBeUndefined()
    expect(signedContent(body)).toBeUndefined()
    expect(signedContent(new Uint8Array())).toBeUndefined()
  })
})

describe('the Mdm-Signature header', () => {
  it.each([
    ['white space and line breaks', ' AQ\r\n ID\tBA== ', Uint8Array.of(1, 2, 3, 4)],
    ['the URL alphabet', '-_-_', undefined],
    ['missing padding', 'AQIDBA', undefined],
    ['padding in the middle', 'AQ==AQID', undefined],
    ['nothing', ' ', undefined],
    ['a wide character whose low byte is a letter', 'AQID\u0141A==', undefined],
    ['more than 16 KB', 'A'.repeat(16_388), undefined],
  ])('with %s', (_, header, bytes) => {
    expect(decodeSignatureHeader(header)).toEqual(bytes)
  })
})
