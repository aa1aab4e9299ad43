import { X509Certificate } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { pem, randomSerial } from '../../../../src/pki/x509/issue.ts'
import { nodeIdentity } from '../node-identity.ts'
import { openOpenssl } from '../openssl.ts'

const openssl = openOpenssl()
afterAll(openssl.cleanUp)

describe.each(['rsa', 'ec'] as const)('certificates issued with %s keys', (key) => {
  const ca = nodeIdentity({
    key,
    subject: [
      ['O', 'EdgeMDM'],
      ['CN', 'Zoë’s CA'],
    ],
    ca: true,
    keyUsage: ['digitalSignature', 'keyEncipherment', 'keyCertSign', 'cRLSign'],
    notAfter: Date.UTC(2060, 0),
  })
  const server = nodeIdentity({
    key,
    by: ca,
    subject: [
      ['UID', 'com.apple.mgmt.x'],
      ['CN', 'localhost'],
    ],
    serial: Uint8Array.of(0, 0xff, 1),
    notAfter: Date.UTC(2060, 0),
    extKeyUsage: ['serverAuth', 'clientAuth'],
    dnsNames: ['localhost'],
    ipAddresses: ['127.0.0.1'],
  })
  const caFile = openssl.file(`${key}-ca.pem`, pem('CERTIFICATE', ca.certificate))
  const serverFile = openssl.file(`${key}-server.pem`, pem('CERTIFICATE', server.certificate))

  it('satisfy openssl verify in its strict mode', () => {
    const strict = ['verify', '-x509_strict', '-check_ss_sig', '-CAfile', caFile]
    const asServer = ['-purpose', 'sslserver', '-verify_ip', '127.0.0.1', serverFile]
    expect(openssl.run([...strict, ...asServer]).toString()).toContain('OK')
    expect(openssl.run([...strict, '-purpose', 'sslclient', serverFile]).toString()).toContain('OK')
    expect(openssl.run([...strict, caFile]).toString()).toContain('OK')
  })

  it('hold the requested fields', () => {
    const text = openssl.run(['x509', '-noout', '-text', '-in', serverFile]).toString()
    expect(text).toMatch(/Subject: UID ?= ?com.apple.mgmt.x, CN ?= ?localhost/)
    expect(text).toMatch(/X509v3 Key Usage: critical\s+Digital Signature\n/)
    expect(text).toMatch(/TLS Web Server Authentication, TLS Web Client Authentication/)
    expect(text).toMatch(/DNS:localhost, IP Address:127.0.0.1/)
    expect(text).toMatch(/CA:FALSE/)
    const node = new X509Certificate(ca.certificate)
    expect(Date.parse(node.validTo)).toBe(Date.UTC(2060, 0))
    expect(ca.read.subjectText).toBe('O=EdgeMDM, CN=Zoë’s CA')
    expect(new X509Certificate(server.certificate).serialNumber).toBe('FF01')
    expect(server.read.serial).toBe('00ff01')
  })
})

it('random serial numbers are positive, 16 bytes and differ', () => {
  const serials = Array.from({ length: 50 }, randomSerial)
  expect(
    serials.every(([first = 0, ...rest]) => first > 0 && first < 0x80 && rest.length === 15),
  ).toBe(true)
  expect(new Set(serials.map(String)).size).toBe(50)
})

it('a subject attribute or address that cannot be written is a RangeError', () => {
  expect(() => nodeIdentity({ key: 'ec', subject: [['XX', 'y']] })).toThrow(RangeError)
  expect(() => nodeIdentity({ key: 'ec', ipAddresses: ['::1'] })).toThrow(RangeError)
})
