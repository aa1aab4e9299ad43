import { createHash, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { DerError } from '../../../src/pki/der.ts'
import { pem } from '../../../src/pki/issue.ts'
import { chainsTo, readCertificate, readPem } from '../../../src/pki/x509.ts'
import { nodeIdentity } from './node-identity.ts'
import { EC_256, openOpenssl, type OpensslIdentity } from './openssl.ts'

const NOW = Date.UTC(2026, 10, 23)
const CA = { ca: true, keyUsage: ['keyCertSign', 'cRLSign'], key: 'ec' } as const

const ca = nodeIdentity({ ...CA, subject: [['CN', 'MDM CA']] })
const namesake = nodeIdentity({ ...CA, subject: [['CN', 'MDM CA']] })
const intermediate = nodeIdentity({ ...CA, subject: [['CN', 'Issuing CA']], by: ca })
const device = nodeIdentity({ key: 'ec', by: ca })
const deep = nodeIdentity({ key: 'ec', by: intermediate })
const openssl = openOpenssl()
afterAll(openssl.cleanUp)

describe('reading a certificate', () => {
  it.each(['cms-rsa.pem', 'cms-ec.pem'])('%s is read as Node reads it', (file) => {
    const text = readFileSync(join(import.meta.dirname, '../../vectors', file), 'utf8')
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

  it('takes every certificate of a PEM text and skips the rest', () => {
    const both = [ca, device].map(({ certificate }) => pem('CERTIFICATE', certificate))
    const text = `Bag Attributes\n${both.join('noise\r\n')}${pem('PRIVATE KEY', Uint8Array.of(1))}`
    expect(readPem(text)).toEqual([ca.certificate, device.certificate])
    expect(readPem('none')).toEqual([])
    expect(() => readPem(both.join('').replace('MII', '?II'))).toThrow(/not base64/)
  })
})

describe('a chain', () => {
  it('leads a device to its CA by key, whatever the order of CAs with one name', () => {
    const expected = { ok: true, caKeyId: ca.read.keyId, expired: false }
    expect(chainsTo(device.read, [], [ca.read, namesake.read], NOW)).toEqual(expected)
    expect(chainsTo(device.read, [], [namesake.read, ca.read], NOW)).toEqual(expected)
    expect(chainsTo(device.read, [], [namesake.read], NOW).ok).toBe(false)
  })

  it('leads through an intermediate that the device sent', () => {
    const cas = [ca.read]
    expect(chainsTo(deep.read, [namesake.read, intermediate.read], cas, NOW).ok).toBe(true)
    expect(chainsTo(deep.read, [], cas, NOW).ok).toBe(false)
    expect(chainsTo(deep.read, [], [intermediate.read], NOW).ok).toBe(true)
  })

  it('does not lead from a stranger, nor from one who forged the name of the CA', () => {
    const forger = nodeIdentity({ ...CA, subject: [['CN', 'MDM CA']] })
    const forged = nodeIdentity({ key: 'ec', by: forger })
    expect(chainsTo(nodeIdentity({ key: 'ec' }).read, [], [ca.read], NOW).ok).toBe(false)
    expect(chainsTo(forged.read, [forger.read], [ca.read], NOW).ok).toBe(false)
  })

  it('does not lead through a device that issues certificates', () => {
    const child = nodeIdentity({ key: 'ec', by: device })
    expect(chainsTo(child.read, [device.read], [ca.read], NOW).ok).toBe(false)
    const noUsage = nodeIdentity({ key: 'ec', ca: true, by: ca, subject: [['CN', 'no usage']] })
    const grandchild = nodeIdentity({ key: 'ec', by: noUsage })
    expect(chainsTo(grandchild.read, [noUsage.read], [ca.read], NOW).ok).toBe(false)
  })

  it('does not lead through an intermediate farther than its limits, nor by limits that are not understood', () => {
    const issued = (name: string, by: OpensslIdentity, ...extensions: string[]) =>
      openssl.identity(name, EC_256, [
        '-CA',
        by.certificateFile,
        '-CAkey',
        by.keyFile,
        ...extensions.flatMap((text) => ['-addext', text]),
      ])
    const root = openssl.identity('root', EC_256)
    const near = issued('near', root, 'basicConstraints=critical,CA:TRUE,pathlen:0')
    const below = issued('below', near, 'basicConstraints=critical,CA:TRUE')
    const narrow = issued('narrow', root, 'nameConstraints=critical,permitted;DNS:example.com')
    const leads = (leaf: OpensslIdentity, ...others: OpensslIdentity[]): boolean => {
      const [read, ...rest] = [leaf, ...others, root].map((one) => readCertificate(one.certificate))
      return read !== undefined && chainsTo(read, rest, rest.slice(-1), NOW).ok
    }
    expect(leads(issued('child', near), near)).toBe(true)
    expect(leads(issued('grandchild', below), below, near)).toBe(false)
    expect(leads(issued('named', narrow), narrow)).toBe(false)
  })

  it('is at most four signatures long', () => {
    const line = [intermediate]
    for (const name of ['second', 'third', 'fourth']) {
      const by = line.at(-1) ?? intermediate
      line.push(nodeIdentity({ ...CA, subject: [['CN', name]], by }))
    }
    const [first, second, third, fourth] = line.map((by) => nodeIdentity({ key: 'ec', by }).read)
    const all = line.map(({ read }) => read)
    const outcomes = [first, second, third, fourth].map(
      (leaf) => leaf !== undefined && chainsTo(leaf, all, [ca.read], NOW).ok,
    )
    expect(outcomes).toEqual([true, true, true, false])
  })

  it('accepts an expired device and an expired CA, and says so', () => {
    const old = nodeIdentity({ key: 'ec', by: ca, notAfter: NOW - 1 })
    expect(chainsTo(old.read, [], [ca.read], NOW)).toMatchObject({ ok: true, expired: true })
    const oldCa = nodeIdentity({ ...CA, notAfter: NOW - 1 })
    const fresh = nodeIdentity({ key: 'ec', by: oldCa })
    expect(chainsTo(fresh.read, [], [oldCa.read], NOW)).toMatchObject({ ok: true, expired: true })
  })

  it('accepts as CA whatever the operator gave, extensions or none', () => {
    const bare = nodeIdentity({ key: 'ec', subject: [['CN', 'bare']] })
    const leaf = nodeIdentity({ key: 'ec', by: bare })
    expect(chainsTo(leaf.read, [], [bare.read], NOW).ok).toBe(true)
  })

  it('refuses a CA that shows itself as a device, also under another certificate of its key', () => {
    expect(chainsTo(ca.read, [], [ca.read], NOW).ok).toBe(false)
    const again = nodeIdentity({ key: 'ec', by: ca, publicKey: ca.read.spki })
    expect(chainsTo(again.read, [], [ca.read], NOW).ok).toBe(false)
  })

  it('of a changed certificate is broken', () => {
    const changed = Uint8Array.from(device.certificate)
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1
    expect(chainsTo(readCertificate(changed), [], [ca.read], NOW).ok).toBe(false)
  })
})
