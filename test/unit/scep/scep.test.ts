import { createPrivateKey, createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { ContentInfo, SignedData } from 'pkijs'
import { afterAll, describe, expect, it } from 'vitest'
import { createAuthority, identityName, issueIdentity } from '../../../src/pki/x509/authority.ts'
import { CONTENT_CIPHERS } from '../../../src/pki/cms/enveloped-data.ts'
import { issueCertificate, randomSerial } from '../../../src/pki/x509/issue.ts'
import { writeSigningRequest } from '../../../src/pki/x509/signing-request.ts'
import { readCertificate } from '../../../src/pki/x509/certificate.ts'
import { certRep, certRepFailure } from '../../../src/scep/reply.ts'
import { openRequest, scepRequestId, type ScepRequest } from '../../../src/scep/request.ts'
import { newKey } from '../../../src/simulator/device/identity.ts'
import { element, sequence } from '../../../src/pki/asn1/der-write.ts'
import { encodingOf, inside, read, readAny, readSingle } from '../../../src/pki/asn1/der.ts'
import { EC_256, openOpenssl, RSA } from '../pki/openssl.ts'
import {
  foreignMessage,
  type ForeignOptions,
  opensslCertRep,
  opensslCsr,
  opensslEnvelope,
  pemFile,
} from './clients.ts'

const NOW = Date.now()
const YEAR = 365 * 86_400_000
const DIGESTS = ['sha1', 'sha256', 'sha384', 'sha512'] as const

const openssl = openOpenssl()
afterAll(openssl.cleanUp)
const authority = createAuthority(newKey('rsa'), NOW)
const stranger = createAuthority(newKey('rsa'), NOW)
const caFile = pemFile(openssl, 'ca.pem', authority.certificate.der)
const device = openssl.identity('device', RSA)
const deviceKey = createPrivateKey(readFileSync(device.keyFile))
const signer = { certificate: device.certificate, privateKey: deviceKey }
const csr = opensslCsr(openssl, device, { challenge: 'secret' })
const envelope = opensslEnvelope(openssl, csr, caFile, 'aes-128-cbc')

function requestIn(der: Uint8Array): ScepRequest {
  const opened = openRequest(der, [stranger, authority])
  if (opened.kind !== 'request') {
    throw new Error(opened.reason)
  }
  return opened.request
}

function issue(request: ScepRequest): Uint8Array {
  return issueIdentity(authority, request.csr, randomSerial(), NOW, YEAR)
}

/** What becomes of a message: accepted, or the failInfo, or `malformed`, each with the reason. */
function fate(der: Uint8Array): string {
  const opened = openRequest(der, [authority])
  switch (opened.kind) {
    case 'request':
      return 'request'
    case 'refused':
      return `${opened.failInfo}: ${opened.reason}`
    case 'malformed':
      return `malformed: ${opened.reason}`
  }
}

const messageWith = async (content: Uint8Array, options?: ForeignOptions) =>
  foreignMessage(content, signer, options)

describe.each(CONTENT_CIPHERS)('a request encrypted with %s', (cipher) => {
  const encrypted = opensslEnvelope(openssl, csr, caFile, cipher)

  it.each(DIGESTS)(
    'and signed with %s is answered alike, to OpenSSL’s satisfaction',
    async (digest) => {
      const request = requestIn(await messageWith(encrypted, { digest }))
      expect(request.csr).toMatchObject({
        challengePassword: 'secret',
        isSigned: true,
        rsaBits: 2048,
      })
      const reply = certRep(request, issue(request), authority.certificate.der)
      const answer = opensslCertRep(openssl, reply, caFile, device)
      expect(answer.envelope).toContain(`algorithm: ${cipher} `)
      const [leaf = '', ca = ''] = answer.certificates
      expect(`${ca}\n`).toBe(readFileSync(caFile, 'utf8'))
      const file = openssl.file('leaf.pem', leaf)
      const strict = ['verify', '-x509_strict', '-purpose', 'sslclient', '-CAfile', caFile, file]
      expect(openssl.run(strict).toString()).toContain('OK')
      const text = openssl.run(['cms', '-cmsout', '-print', '-inform', 'DER'], reply).toString()
      expect(text).toContain(`algorithm: ${digest} `)
    },
  )
})

describe('a certificate', () => {
  it('has a name of ours, none of the names that its request asks for, and is for clients alone', async () => {
    const altName =
      'DNS:mac.example.com, email:a@example.com, otherName:1.3.6.1.4.1.311.20.2.3;UTF8:root@example.com'
    const subject = ['UID = root', 'title = odd', 'O = Zoë’s', 'OU = x', 'CN = Mac, OU=x']
    const der = opensslCsr(openssl, device, { subject, altName })
    const content = opensslEnvelope(openssl, der, caFile, 'aes-256-cbc')
    const request = requestIn(await messageWith(content))
    const file = pemFile(openssl, 'named.pem', issue(request))
    const text = openssl.run(['x509', '-noout', '-text', '-in', file]).toString()
    expect(text).toMatch(/Subject: O = EdgeMDM, CN = MDM Identity \(Mac OU x\)\n/)
    expect(text).not.toMatch(/Alternative Name|example\.com/)
    expect(text).toMatch(/Key Usage: critical\s+Digital Signature, Key Encipherment\n/)
    expect(text).toMatch(/Extended Key Usage: \n\s+TLS Web Client Authentication\n/)
    expect(text).toMatch(/CA:FALSE/)
    const certificate = readCertificate(issue(request))
    expect(certificate.notBefore).toBeLessThan(NOW - 9 * 60_000)
    expect(Math.abs(certificate.notAfter - NOW - YEAR)).toBeLessThan(1000)
  })

  it('is given for a request without a subject, as Apple’s sometimes is', async () => {
    const der = writeSigningRequest({ subject: [], key: deviceKey })
    const content = opensslEnvelope(openssl, der, caFile, 'aes-128-cbc')
    const request = requestIn(await messageWith(content))
    expect(readCertificate(issue(request)).subjectText).toBe('O=EdgeMDM, CN=MDM Identity')
  })

  it.each([
    ['MicroMDM Identity (Zoë’s Mac)', 'MDM Identity (Zoë’s Mac)'],
    ['MDM Identity (Zoë’s Mac)', 'MDM Identity (Zoë’s Mac)'],
    ['MicroMDM Identity (%ComputerName%)', 'MDM Identity'],
    ['MDM Identity', 'MDM Identity'],
    [' \u{202e}\u0000\n ', 'MDM Identity'],
    ['www.example.com', 'MDM Identity (www.example.com)'],
    ['a, O=b+C=c"/CN=d\\,;<e>#', 'MDM Identity (a O b C c CN d e)'],
    ['x'.repeat(300), `MDM Identity (${'x'.repeat(49)})`],
    ['🍏'.repeat(9) + 'ñ'.repeat(60), `MDM Identity (${'ñ'.repeat(49)})`],
  ])('that is requested as %j gets the name %j', (asked, expected) => {
    expect(identityName(asked)).toBe(expected)
  })

  it('of the CA is one that macOS can encrypt to and iOS can verify with', () => {
    const text = openssl.run(['x509', '-noout', '-text', '-in', caFile]).toString()
    expect(text).toMatch(/Digital Signature, Key Encipherment, Certificate Sign, CRL Sign/)
    expect(text).toMatch(/Public-Key: \(2048 bit\)/)
    const years = (authority.certificate.notAfter - NOW) / YEAR
    expect(years).toBeGreaterThan(10)
    expect(years).toBeLessThan(10.1)
  })
})

describe('a CertRep', () => {
  const reply = async (nonce: Uint8Array, transactionId: string) => {
    const request = requestIn(await messageWith(envelope, { nonce, transactionId, digest: 'sha1' }))
    return { request, der: certRep(request, issue(request), authority.certificate.der) }
  }

  it('names a plain hash in both places: iOS answers another OID with error 22003', async () => {
    const { der } = await reply(Buffer.alloc(16, 1), 'tx')
    const content = ContentInfo.fromBER(new Uint8Array(der))
    const signed = new SignedData({ schema: content.content })
    expect(signed.digestAlgorithms.map(({ algorithmId }) => algorithmId)).toEqual(['1.3.14.3.2.26'])
    expect(signed.signerInfos[0]?.digestAlgorithm.algorithmId).toBe('1.3.14.3.2.26')
  })

  it('repeats transaction and nonce unchanged, and adds a nonce of its own', async () => {
    const nonce = Buffer.alloc(16, 9)
    const { request, der } = await reply(nonce, 'ünïcode/+=')
    const attributes = new Map(
      new SignedData({
        schema: ContentInfo.fromBER(new Uint8Array(der)).content,
      }).signerInfos[0]?.signedAttrs?.attributes.map(({ type, values }) => [
        type.replace('2.16.840.1.113733.1.9.', ''),
        Buffer.from(values[0].toBER(false)),
      ]),
    )
    expect(attributes.get('2')).toEqual(Buffer.from([0x13, 1, 0x33]))
    expect(attributes.get('3')).toEqual(Buffer.from([0x13, 1, 0x30]))
    expect(attributes.get('6')).toEqual(Buffer.concat([Buffer.from([4, 16]), nonce]))
    expect(attributes.get('7')).toEqual(Buffer.from(request.transactionId))
    expect(attributes.get('5')).toHaveLength(18)
    expect(attributes.get('5')).not.toEqual(attributes.get('6'))
  })

  it('that refuses carries no content, and OpenSSL verifies it', async () => {
    const request = requestIn(await messageWith(envelope))
    const der = certRepFailure(request, 'badRequest')
    const empty = openssl.file('empty', '')
    const verify = ['cms', '-verify', '-inform', 'DER', '-binary', '-CAfile', caFile]
    expect(openssl.run([...verify, '-purpose', 'any', '-content', empty], der)).toHaveLength(0)
    const text = openssl.run(['cms', '-cmsout', '-print', '-inform', 'DER'], der).toString()
    expect(text).toMatch(/eContent: <ABSENT>/)
    expect(text).toMatch(/113733\.1\.9\.4[^]+?PRINTABLESTRING:2/)
  })
})

describe('a request as Apple’s clients send it', () => {
  it('is read with indefinite lengths and content in pieces, outside and inside', async () => {
    const streamed = opensslEnvelope(openssl, csr, caFile, 'des-ede3-cbc', ['-stream'])
    expect([...streamed.subarray(0, 2)]).toEqual([0x30, 0x80])
    const message = await messageWith(streamed, { digest: 'sha1' })
    const request = requestIn(asStreamed(message))
    expect(request).toMatchObject({ cipher: 'des-ede3-cbc', digest: 'sha1' })
    expect(request.csr.commonName).toBe('Mac')
  })

  it('is the same request when it comes again with another nonce and another envelope', async () => {
    const first = requestIn(await messageWith(envelope))
    const again = opensslEnvelope(openssl, csr, caFile, 'aes-128-cbc')
    const second = requestIn(await messageWith(again, { nonce: Buffer.alloc(16, 1) }))
    expect(scepRequestId(second)).toBe(scepRequestId(first))
    const other = requestIn(await messageWith(envelope, { transactionId: 'tx-2' }))
    expect(scepRequestId(other)).not.toBe(scepRequestId(first))
  })

  it('is another request with another challenge, or signed by another identity', async () => {
    const challenges = ['one', 'two'].map((challenge) => opensslCsr(openssl, device, { challenge }))
    const asked = challenges.map((content) =>
      messageWith(opensslEnvelope(openssl, content, caFile, 'aes-128-cbc')),
    )
    const first = requestIn(await messageWith(envelope))
    const identities = [issue(first), issue(first)].map((certificate) =>
      foreignMessage(envelope, { certificate, privateKey: deviceKey }),
    )
    const all = await Promise.all([...asked, ...identities])
    expect(new Set(all.map((der) => scepRequestId(requestIn(der)))).size).toBe(4)
  })

  it('is the same request when its signer was made anew for it', async () => {
    const messages = [1, 2].map(() => {
      const certificate = issueCertificate({
        subject: [['CN', 'for the occasion']],
        publicKey: createPublicKey(deviceKey),
        signingKey: deviceKey,
        serial: randomSerial(),
        notBefore: NOW,
        notAfter: NOW + YEAR,
        keyUsage: ['digitalSignature', 'keyEncipherment'],
      })
      return foreignMessage(envelope, { certificate, privateKey: deviceKey })
    })
    const [first, second] = (await Promise.all(messages)).map((der) =>
      scepRequestId(requestIn(der)),
    )
    expect(second).toBe(first)
  })
})

describe('a request that is signed with a one-time key', () => {
  it('is answered to that key, with a certificate for the key of the CSR', async () => {
    const other = openssl.identity('occasion', RSA)
    const privateKey = createPrivateKey(readFileSync(other.keyFile))
    const request = requestIn(
      await foreignMessage(envelope, { certificate: other.certificate, privateKey }),
    )
    const reply = certRep(request, issue(request), authority.certificate.der)
    const [leaf = ''] = opensslCertRep(openssl, reply, caFile, other).certificates
    const spki = createPublicKey(deviceKey).export({ type: 'spki', format: 'pem' }).toString()
    expect(openssl.run(['x509', '-noout', '-pubkey'], Buffer.from(leaf)).toString()).toBe(spki)
  })
})

describe('a request is refused when', () => {
  it('the CSR’s signature or key is not acceptable', async () => {
    const forged = Uint8Array.from(csr)
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1
    const small = openssl.identity('small', ['-newkey', 'rsa:1024'])
    const ec = openssl.identity('ec', EC_256)
    const cases: [Uint8Array, RegExp][] = [
      [forged, /^badMessageCheck: the signature of the CSR/],
      [opensslCsr(openssl, small), /^badAlg: the key is no RSA key of 2048/],
      [opensslCsr(openssl, ec), /^badAlg: the key is no RSA key of 2048/],
    ]
    for (const [content, expected] of cases) {
      const sealed = opensslEnvelope(openssl, content, caFile, 'aes-128-cbc')
      expect(fate(await messageWith(sealed))).toMatch(expected)
    }
  })

  it('its signer’s key is too short to encrypt the answer to', async () => {
    const tiny = openssl.identity('tiny', ['-newkey', 'rsa:512'])
    const privateKey = createPrivateKey(readFileSync(tiny.keyFile))
    const message = foreignMessage(envelope, { certificate: tiny.certificate, privateKey })
    expect(fate(await message)).toBe('badAlg: the signer’s key has fewer than 1024 bits')
  })

  it('its own signature does not match', async () => {
    const message = await messageWith(envelope)
    const signature = message.length - 5
    message[signature] = (message[signature] ?? 0) ^ 1
    expect(fate(message)).toBe('badMessageCheck: the signature does not match')
  })

  it('it is not a request, or is encrypted with something else', async () => {
    expect(fate(await messageWith(envelope, { messageType: '20' }))).toMatch(/^badRequest/)
    const args = ['cms', '-encrypt', '-binary', '-outform', 'DER', '-aes192', caFile]
    const aes192 = new Uint8Array(openssl.run(args, csr))
    expect(fate(await messageWith(aes192))).toMatch(/^badAlg: contentEncryptionAlgorithm/)
    expect(fate(await messageWith(csr))).toMatch(/^badMessageCheck: /)
  })

  it('a wrong padding, a wrong key and a content that is not a CSR get the same answer', async () => {
    const otherFile = pemFile(openssl, 'other.pem', stranger.certificate.der)
    const fates = new Set<string>()
    for (const cipher of CONTENT_CIPHERS) {
      const good = opensslEnvelope(openssl, csr, caFile, cipher)
      const variants = [
        opensslEnvelope(openssl, csr, otherFile, cipher),
        opensslEnvelope(openssl, Buffer.from('no CSR'), caFile, cipher),
        good.with(good.length - 1, (good.at(-1) ?? 0) ^ 1),
        withEncryptedKey(good, Buffer.alloc(256, 1)),
        withEncryptedKey(good, Buffer.alloc(256, 0xff)),
        withEncryptedKey(good, Buffer.alloc(0)),
      ]
      for (const variant of variants) {
        fates.add(fate(await messageWith(variant)))
      }
    }
    expect([...fates]).toEqual([
      'badMessageCheck: no CA of ours has a key that opens the envelope to a CSR',
    ])
  })
})

describe('a message names no transaction to answer, and is malformed, when', () => {
  it('it is truncated, garbage or carries no SCEP attributes', async () => {
    const message = await messageWith(envelope)
    expect(fate(message.subarray(0, 300))).toMatch(/^malformed/)
    expect(fate(new Uint8Array())).toMatch(/^malformed/)
    expect(fate(Buffer.from('not a message'))).toMatch(/^malformed/)
    expect(fate(await messageWith(envelope, { attributes: 'none' }))).toMatch(/^malformed/)
    expect(fate(await messageWith(envelope, { attributes: 'repeated' }))).toMatch(/^malformed/)
    expect(fate(await messageWith(envelope, { nonce: new Uint8Array() }))).toMatch(/^malformed/)
  })

  it('it has two signers', () => {
    const args = ['cms', '-sign', '-binary', '-nodetach', '-outform', 'DER']
    const signers = [device, openssl.identity('second', RSA)].flatMap((one) => [
      '-signer',
      one.certificateFile,
      '-inkey',
      one.keyFile,
    ])
    const twice = new Uint8Array(openssl.run([...args, ...signers], envelope))
    expect(fate(twice)).toMatch(/^malformed: .*more than one signer/)
  })
})

/** The same SignedData as an encoder that streams writes it: indefinite lengths, content in pieces. */
function asStreamed(der: Uint8Array): Uint8Array {
  const info = inside(readSingle(der, 0x30, 'ContentInfo'))
  const type = encodingOf(readAny(info, 'type'))
  const data = inside(read(inside(read(info, 0xa0, 'content')), 0x30, 'SignedData'))
  const version = encodingOf(readAny(data, 'version'))
  const digests = encodingOf(readAny(data, 'digests'))
  const encapsulated = inside(readAny(data, 'encapContentInfo'))
  const contentType = encodingOf(readAny(encapsulated, 'eContentType'))
  const content = readAny(inside(readAny(encapsulated, 'eContent')), 'octets')
  const octets = content.bytes.subarray(content.body, content.end)
  const rest = data.bytes.subarray(data.at, data.end)
  const pieces = [octets.subarray(0, 100), octets.subarray(100)].map((piece) => element(4, piece))
  const open = (tag: number, ...parts: Uint8Array[]): Uint8Array =>
    Buffer.concat([Uint8Array.of(tag, 0x80), ...parts, Uint8Array.of(0, 0)])
  const eContent = open(0xa0, open(0x24, ...pieces))
  const signed = open(0x30, version, digests, open(0x30, contentType, eContent), rest)
  return new Uint8Array(open(0x30, type, open(0xa0, signed)))
}

/** An envelope whose encrypted content key is replaced by bytes of the attacker's. */
function withEncryptedKey(der: Uint8Array, key: Uint8Array): Uint8Array {
  const info = inside(readSingle(der, 0x30, 'ContentInfo'))
  const type = encodingOf(readAny(info, 'type'))
  const data = inside(readAny(inside(readAny(info, 'content')), 'EnvelopedData'))
  const version = encodingOf(readAny(data, 'version'))
  const recipient = inside(readAny(inside(readAny(data, 'recipients')), 'recipient'))
  const head = [1, 2, 3].map(() => encodingOf(readAny(recipient, 'field')))
  const rest = data.bytes.subarray(data.at, data.end)
  const recipients = element(0x31, sequence(...head, element(4, key)))
  return sequence(type, element(0xa0, sequence(version, recipients, rest)))
}
