import { afterAll, describe, expect, it } from 'vitest'
import { readMachineInfo } from '../../../src/enroll/machine-info.ts'
import {
  openSignedPlist,
  type SignerCheck,
  type TrustedCAs,
  whoSigned,
} from '../../../src/enroll/signed-plist.ts'
import { pem } from '../../../src/pki/x509/issue.ts'
import { PlistError } from '../../../src/plist/error.ts'
import { writePlist } from '../../../src/plist/write.ts'
import { type NodeIdentity, nodeIdentity } from '../pki/node-identity.ts'
import { openOpenssl, opensslSign, RSA } from '../pki/openssl.ts'

const NOW = Date.UTC(2026, 10, 24)
const EXPIRED = { notBefore: Date.UTC(2007, 3), notAfter: Date.UTC(2014, 3) }
const CA = { ca: true, keyUsage: ['keyCertSign'] } as const

const openssl = openOpenssl()
afterAll(openssl.cleanUp)

const apple = nodeIdentity({ subject: [['CN', 'Device CA']], ...CA, ...EXPIRED })
const intermediate = nodeIdentity({
  subject: [['CN', 'Intermediate']],
  by: apple,
  serial: Uint8Array.of(8),
  ...CA,
  ...EXPIRED,
})
const ours = nodeIdentity({ subject: [['CN', 'SCEP CA']], key: 'ec', ...CA })
const cas: TrustedCAs = {
  apple: [apple.read],
  identity: [{ certificate: ours.read, row: 'own' }],
}

const info = writePlist({
  UDID: 'U1',
  SERIAL: 'S1',
  PRODUCT: 'iPhone16,2',
  VERSION: '22A1',
  OS_VERSION: '18.0',
  LANGUAGE: 'de',
  MDM_CAN_REQUEST_SOFTWARE_UPDATE: true,
})

/** Signed by the openssl command, content attached as devices send it. */
function sign(signer: NodeIdentity, options: readonly string[] = [], body = info): Uint8Array {
  const key = signer.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  return opensslSign(
    openssl,
    {
      certificate: signer.certificate,
      certificateFile: openssl.file('signer.pem', pem('CERTIFICATE', signer.certificate)),
      keyFile: openssl.file('signer.key', key),
    },
    body,
    ['-nodetach', ...options],
  )
}

function check(der: Uint8Array): SignerCheck | string {
  const signed = openSignedPlist(der)
  return signed.ok ? whoSigned(signed.signer, cas, NOW) : signed.reason
}

describe('a plist that a device signed', () => {
  const device = nodeIdentity({ by: apple })

  it.each([
    ['SHA-1', ['-md', 'sha1']],
    ['SHA-256', ['-md', 'sha256']],
    ['no signed attributes', ['-noattr']],
    ['indefinite lengths', ['-stream']],
  ])('is Apple’s with %s, although its CA has expired', (_, options) => {
    const der = sign(device, options)
    expect(check(der)).toEqual({ kind: 'apple' })
    const signed = openSignedPlist(der)
    expect(signed.ok && signed.content).toEqual(info)
  })

  it('is Apple’s when it embeds an expired intermediate', () => {
    const chain = openssl.file('chain.pem', pem('CERTIFICATE', intermediate.certificate))
    const below = nodeIdentity({ by: intermediate })
    expect(check(sign(below, ['-certfile', chain]))).toEqual({ kind: 'apple' })
    expect(check(sign(below))).toMatchObject({ kind: 'stranger' })
  })

  it('is ours when our CA issued the identity, as long as that is valid', () => {
    expect(check(sign(nodeIdentity({ by: ours, key: 'ec' })))).toEqual({ kind: 'identity' })
    const expired = nodeIdentity({ by: ours, key: 'ec', notAfter: NOW - 1000 })
    expect(check(sign(expired))).toEqual({
      kind: 'stranger',
      reason: 'the certificate expired on 2026-11-23T23:59:59.000Z',
    })
  })

  it('is a stranger’s when its issuer has only the name of Apple’s CA', () => {
    const namesake = nodeIdentity({
      subject: [['CN', 'Device CA']],
      serial: Uint8Array.of(8),
      ...CA,
    })
    const chain = openssl.file('namesake.pem', pem('CERTIFICATE', namesake.certificate))
    expect(check(sign(nodeIdentity({ by: namesake }), ['-certfile', chain]))).toMatchObject({
      kind: 'stranger',
    })
    expect(check(sign(nodeIdentity()))).toMatchObject({ kind: 'stranger' })
  })

  it('is a stranger’s when a device signs certificates for others', () => {
    const chain = openssl.file('device.pem', pem('CERTIFICATE', device.certificate))
    const below = nodeIdentity({ by: device })
    expect(check(sign(below, ['-certfile', chain]))).toMatchObject({ kind: 'stranger' })
  })

  it('is refused with two signers, changed content, no content, and when cut short', () => {
    const other = openssl.identity('other', RSA)
    const two = sign(device, ['-signer', other.certificateFile, '-inkey', other.keyFile])
    expect(check(two)).toMatch(/more than one signer/)
    const der = sign(device)
    const changed = Buffer.from(der)
    changed[changed.indexOf('iPhone16')] = 'x'.charCodeAt(0)
    expect(check(changed)).toMatch(/messageDigest/)
    expect(check(sign(device, [], new Uint8Array()))).toEqual({ kind: 'apple' })
    expect(check(der.subarray(0, -1))).toMatch(/no|not/)
    expect(check(new Uint8Array())).toBe('not a CMS that carries signed data')
    expect(check(info)).toBe('not a CMS that carries signed data')
  })
})

describe('MachineInfo', () => {
  it('is read as far as the server needs it', () => {
    expect(readMachineInfo(info)).toEqual({
      udid: 'U1',
      serial: 'S1',
      product: 'iPhone16,2',
      build: '22A1',
      osVersion: '18.0',
      canRequestSoftwareUpdate: true,
    })
  })

  it('may lack UDID and serial number, as in User Enrollment', () => {
    const plist = writePlist({ PRODUCT: 'Mac14,2', VERSION: '23A1', LANGUAGE: 'en' })
    expect(readMachineInfo(plist)).toMatchObject({ udid: '', serial: '', osVersion: '' })
  })

  it('is refused when it is not a dictionary or a field has another type', () => {
    expect(() => readMachineInfo(writePlist(['U1']))).toThrow(PlistError)
    expect(() => readMachineInfo(writePlist({ SERIAL: 5 }))).toThrow(PlistError)
    expect(() => readMachineInfo(new Uint8Array())).toThrow(PlistError)
  })
})
