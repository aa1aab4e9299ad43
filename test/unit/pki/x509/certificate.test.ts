import { createHash, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { DerError } from '../../../../src/pki/asn1/der.ts'
import { pem } from '../../../../src/pki/x509/issue.ts'
import { readCertificate, readPem } from '../../../../src/pki/x509/certificate.ts'
import { nodeIdentity } from '../node-identity.ts'

const ca = nodeIdentity({ ca: true, keyUsage: ['keyCertSign'], key: 'ec' })
const device = nodeIdentity({ key: 'ec', by: ca })

describe('reading a certificate', () => {
  it.each(['cms-rsa.pem', 'cms-ec.pem'])('%s is read as Node reads it', (file) => {
    const text = readFileSync(join(import.meta.dirname, '../../../vectors', file), 'utf8')
    const node = new X509Certificate(text)
    const [der = new Uint8Array()] = readPem(text)
    const spki = node.publicKey.export({ type: 'spki', format: 'der' })
    expect(readCertificate(der)).toMatchObject({
      der: new Uint8Array(node.raw),
      fingerprint: node.fingerprint256.replaceAll(':', '').toLowerCase(),
      serial: node.serialNumber.toLowerCase(),
      subjectText: node.subject,
      notBefore: Date.parse(node.validFrom),
      notAfter: Date.parse(node.validTo),
      keyId: createHash('sha256').update(spki).digest('hex'),
      isCA: node.ca,
      uid: undefined,
    })
  })

  it('finds the topic in the UID of a push certificate', () => {
    const topic = 'com.apple.mgmt.External.0b64b4ac'
    const { read } = nodeIdentity({
      key: 'ec',
      subject: [
        ['UID', topic],
        ['CN', 'APSP:0b64b4ac'],
        ['C', 'US'],
      ],
    })
    expect(read.uid).toBe(topic)
    expect(read.subjectText).toBe(`UID=${topic}, CN=APSP:0b64b4ac, C=US`)
  })

  it.each([
    ['PrintableString', 'C'],
    ['UTF8String', 'O'],
    ['IA5String', 'DC'],
  ])('refuses a name with a very long %s', (_, type) => {
    const named = (length: number) => () =>
      nodeIdentity({ key: 'ec', subject: [[type, 'x'.repeat(length)]] })
    expect(named(4096)).not.toThrow()
    expect(named(200_000)).toThrow(/^Name: 2000\d\d bytes, more than the 8192 that are accepted$/)
  })

  it('reads dates on both sides of 2050', () => {
    const { read } = nodeIdentity({
      key: 'ec',
      notBefore: Date.UTC(1999, 11, 31, 23, 59, 59),
      notAfter: Date.UTC(2050, 0),
    })
    expect([read.notBefore, read.notAfter]).toEqual([
      Date.UTC(1999, 11, 31, 23, 59, 59),
      Date.UTC(2050, 0),
    ])
  })

  it('refuses every truncation, and anything after the end', () => {
    for (let end = 0; end < device.certificate.length; end += 1) {
      expect(() => readCertificate(device.certificate.slice(0, end))).toThrow(DerError)
    }
    expect(() => readCertificate(Buffer.concat([device.certificate, Buffer.alloc(1)]))).toThrow(
      DerError,
    )
  })

  it('reads every certificate of a PEM text and skips the rest', () => {
    const both = [ca, device].map(({ certificate }) => pem('CERTIFICATE', certificate))
    const text = `Bag Attributes\n${both.join('noise\r\n')}${pem('PRIVATE KEY', Uint8Array.of(1))}`
    expect(readPem(text)).toEqual([ca.certificate, device.certificate])
    expect(readPem('none')).toEqual([])
    expect(() => readPem(both.join('').replace('MII', '?II'))).toThrow(/not base64/)
  })
})
