import { describe, expect, it } from 'vitest'
import {
  derTime,
  element,
  octetString,
  oid,
  sequence,
  setOf,
} from '../../../../src/pki/asn1/der-write.ts'
import { DerError } from '../../../../src/pki/asn1/der.ts'
import { OID } from '../../../../src/pki/asn1/oids.ts'
import { verifyDetached } from '../../../../src/pki/cms/cms.ts'
import { signDetached } from '../../../../src/pki/cms/sign.ts'
import { signingTimeOf } from '../../../../src/pki/cms/signing-time.ts'
import { nodeIdentity } from '../node-identity.ts'

const NOON = Date.UTC(2026, 10, 28, 12)
const NOTHING = new Uint8Array()
const { certificate, privateKey } = nodeIdentity({ key: 'ec' })
const options = { certificate, privateKey, body: NOTHING, digest: 'sha256' } as const

/** What a verified signature says of its time. */
function timeOf(signature: Uint8Array): number | undefined {
  const check = verifyDetached(signature, NOTHING)
  return signingTimeOf((check.ok && check.signed) || NOTHING)
}

const time = (...values: readonly Uint8Array[]) => sequence(oid(OID.signingTime), setOf(...values))

describe('the time of a signature', () => {
  it('is read from its signed attributes', () => {
    expect(timeOf(signDetached({ ...options, signingTime: NOON }))).toBe(NOON)
  })

  it('is absent without that attribute, and without any', () => {
    expect(timeOf(signDetached(options))).toBeUndefined()
    expect(timeOf(signDetached({ ...options, withAttributes: false }))).toBeUndefined()
  })

  it('is the earliest of several', () => {
    const attributes = [time(derTime(NOON - 5000)), time(derTime(NOON - 9000), derTime(NOON))]
    expect(timeOf(signDetached({ ...options, signingTime: NOON, attributes }))).toBe(NOON - 9000)
  })

  it.each([
    ['no value', time()],
    ['another type', time(octetString(NOTHING))],
    ['another text', time(element(0x17, new TextEncoder().encode('yesterday')))],
  ])('is refused with %s', (_, attribute) => {
    expect(() => signingTimeOf(setOf(attribute))).toThrow(DerError)
  })
})
