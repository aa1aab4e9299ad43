import { describe, expect, it } from 'vitest'
import { type MicroMdmFleet, readFleet } from '../../../../src/migration/micromdm/fleet.ts'
import { pem } from '../../../../src/pki/x509/issue.ts'
import { nodeIdentity } from '../../pki/node-identity.ts'
import { fingerprintOf, type FleetPlan, TOPIC, writeMicroMdm } from '../micromdm-file.ts'

const NOW = Date.UTC(2027, 0)
const CA_NAME = [
  ['O', 'MicroMDM'],
  ['OU', 'MICROMDM SCEP CA'],
] as const
const ca = nodeIdentity({ subject: CA_NAME, ca: true, keyUsage: ['keyCertSign', 'cRLSign'] })
const otherCa = nodeIdentity({ subject: CA_NAME, ca: true, keyUsage: ['keyCertSign', 'cRLSign'] })
const authority = { certificate: ca.certificate, key: ca.privateKey, nextSerial: 300 }
const one = nodeIdentity({ key: 'ec', by: ca, serial: Uint8Array.of(2) }).certificate
const two = nodeIdentity({ key: 'ec', by: ca, serial: Uint8Array.of(1, 0) }).certificate

const read = (plan: FleetPlan): MicroMdmFleet =>
  readFleet(writeMicroMdm({ authority, ...plan }), { now: NOW })
const odd = (fleet: MicroMdmFleet): [string, string][] =>
  fleet.odd.map(({ what, about }) => [what, about])
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

describe('certificates', () => {
  it('are all read, and the bound one stands at its device', () => {
    const fleet = read({ devices: [{ udid: 'U1', certificate: one }], certificates: [two] })
    expect(fleet.certificates.toSorted()).toEqual([one, two].map(base64).toSorted())
    expect(fleet.devices[0]?.bindings).toEqual([
      { fingerprint: fingerprintOf({ udid: 'U1', certificate: one }), certificate: base64(one) },
    ])
    expect(fleet.authority).toEqual({
      certificate: base64(ca.certificate),
      key: base64(ca.privateKey.export({ type: 'pkcs1', format: 'der' })),
      nextSerial: 300,
    })
    expect(fleet.odd).toEqual([])
  })

  it('of another CA are odd, also when its name is the same', () => {
    const foreign = nodeIdentity({ key: 'ec', by: otherCa }).certificate
    const fleet = read({ certificates: [foreign] })
    expect(odd(fleet)).toEqual([['other_ca', 'device.7']])
    expect(fleet.certificates).toEqual([base64(foreign)])
  })

  it('that expired are odd where they are bound', () => {
    const old = nodeIdentity({ key: 'ec', by: ca, notAfter: NOW - 1 }).certificate
    expect(odd(read({ certificates: [old] }))).toEqual([])
    expect(odd(read({ devices: [{ udid: 'U1', certificate: old }] }))).toEqual([['expired', 'U1']])
  })

  it('that cannot be read are kept', () => {
    const fleet = read({ raw: { scep_certificates: { 'x.9': 'no DER' } } })
    expect(odd(fleet)).toEqual([['bad_certificate', 'x.9']])
    expect(fleet.kept).toMatchObject([{ kind: 'certificate', name: 'x.9' }])
  })
})

describe('the CA', () => {
  it.each<[string, FleetPlan, readonly string[]]>([
    ['is absent', { authority: false }, []],
    ['has no key', { raw: { scep_certificates: { ca_key: undefined } } }, ['ca_certificate']],
    [
      'has the key of another one',
      { authority: { certificate: ca.certificate, key: otherCa.privateKey } },
      ['ca_certificate', 'ca_key'],
    ],
    [
      'has no readable certificate',
      { raw: { scep_certificates: { ca_certificate: 'no DER' } } },
      ['ca_certificate', 'ca_key'],
    ],
  ])('that %s is left out, and its parts are kept', (_, plan, kept) => {
    const fleet = read(plan)
    expect(fleet.authority).toBeUndefined()
    expect(odd(fleet)).toEqual([['bad_authority', 'scep_certificates']])
    expect(fleet.kept.map(({ kind, name }) => [kind, name])).toEqual(
      kept.map((name) => ['authority', name]),
    )
  })

  it('counts on where a certificate has a random serial number', () => {
    const serial = new Uint8Array(16).fill(7)
    const certificates = [nodeIdentity({ key: 'ec', by: ca, serial }).certificate]
    expect(read({ certificates })).toMatchObject({ authority: { nextSerial: 300 }, odd: [] })
  })

  it.each<[string, string | Uint8Array | undefined, number, number]>([
    ['as it is stored', Uint8Array.of(1, 2, 3), 0x010203, 0],
    ['the first one of a new depot', undefined, 2, 0],
    ['beyond those in use', Uint8Array.of(1), 257, 1],
    ['beyond those in use, when it cannot be read', new Uint8Array(40).fill(255), 257, 1],
  ])('gives out a serial number %s', (_, serial, next, faults) => {
    const fleet = read({
      certificates: faults > 0 ? [one, two] : [],
      raw: { scep_certificates: { serial } },
    })
    expect(fleet.authority?.nextSerial).toBe(next)
    expect(fleet.odd.length).toBe(faults)
  })
})

describe('the push certificate', () => {
  const push = nodeIdentity({ subject: [['UID', TOPIC]] })
  const pemOf = ({ certificate, privateKey }: typeof push) => ({
    certificate: pem('CERTIFICATE', certificate),
    key: String(privateKey.export({ type: 'pkcs1', format: 'pem' })),
  })

  it('is as it was uploaded', () => {
    const fleet = read({ pushCertificate: pemOf(push), devices: [{ udid: 'U1' }] })
    expect(fleet.pushCertificate).toEqual(pemOf(push))
    expect(fleet.odd).toEqual([])
  })

  it('that cannot be used is odd', () => {
    const old = nodeIdentity({ subject: [['UID', TOPIC]], notAfter: NOW - 1 })
    expect(odd(read({ pushCertificate: pemOf(old) }))).toEqual([
      ['bad_push_certificate', 'mdm.ServerConfig'],
    ])
    expect(read({ pushCertificate: { certificate: 'x', key: 'y' } }).odd).toMatchObject([
      { detail: expect.stringContaining('no PEM CERTIFICATE') },
    ])
  })

  it('has the topic of the devices, or theirs is odd', () => {
    const topic = 'com.apple.mgmt.External.other'
    const fleet = read({ pushCertificate: pemOf(push), devices: [{ udid: 'U1', push: { topic } }] })
    expect(odd(fleet)).toEqual([['topic_differs', topic]])
  })
})
