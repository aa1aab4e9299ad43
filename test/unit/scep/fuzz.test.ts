import { createPublicKey } from 'node:crypto'
import fc from 'fast-check'
import { CertificationRequest } from 'pkijs'
import { describe, expect, it } from 'vitest'
import { createAuthority } from '../../../src/pki/x509/authority.ts'
import { certificatesOnly, signAttached } from '../../../src/pki/cms/sign.ts'
import { cursorOver, DerError, readAny } from '../../../src/pki/asn1/der.ts'
import { printableString, setOf } from '../../../src/pki/asn1/der-write.ts'
import { openEnvelope, readEnvelope, writeEnvelope } from '../../../src/pki/cms/enveloped-data.ts'
import { readCertificatesOnly } from '../../../src/pki/cms/signed-data.ts'
import { readSigningRequest, writeSigningRequest } from '../../../src/pki/x509/signing-request.ts'
import { readScepAttributes, writeScepAttributes } from '../../../src/scep/attributes.ts'
import { certRep } from '../../../src/scep/reply.ts'
import { openRequest } from '../../../src/scep/request.ts'
import { newKey } from '../../../src/simulator/device/identity.ts'
import { readCertRep, writeScepRequest } from '../../../src/simulator/device/scep.ts'

const authority = createAuthority(newKey('rsa'), Date.now())
const key = newKey('rsa')
const subject = [['CN', 'Mac']] as const
const pending = writeScepRequest({ subject, key, challenge: 'secret' }, authority.certificate)
const csr = writeSigningRequest({ subject, key, challengePassword: 'secret' })
const envelope = writeEnvelope(csr, authority.certificate.der, 'aes-128-cbc')
const attributes = writeScepAttributes({
  messageType: 'PKCSReq',
  transactionId: printableString('tx'),
  senderNonce: new Uint8Array(16),
})
const signed = (body: Uint8Array): Uint8Array =>
  signAttached({ ...pending.signer, digest: 'sha256', body, attributes })

/** Bytes of `der` with up to three places cut out, filled in, or replaced by copies of other places. */
function mutants(der: Uint8Array): fc.Arbitrary<Uint8Array> {
  const place = fc.nat({ max: der.length - 1 })
  const copied = fc
    .tuple(place, fc.nat({ max: 12 }))
    .map(([from, length]) => der.slice(from, from + length))
  const edit = fc.record({
    at: place,
    remove: fc.nat({ max: 6 }),
    insert: fc.oneof(fc.uint8Array({ maxLength: 4 }), copied),
  })
  return fc.array(edit, { minLength: 1, maxLength: 3 }).map((edits) => {
    let bytes = Buffer.from(der)
    for (const { at, remove, insert } of edits) {
      bytes = Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)])
    }
    return new Uint8Array(bytes)
  })
}

function throwsOnlyDerError(read: () => unknown): void {
  try {
    read()
  } catch (error) {
    expect(error).toBeInstanceOf(DerError)
  }
}

describe('the readers of SCEP', () => {
  it.each([
    ['signing requests', csr, readSigningRequest],
    ['envelopes', envelope, readEnvelope],
    ['bags of certificates', certificatesOnly([authority.certificate.der]), readCertificatesOnly],
    [
      'attributes',
      setOf(...attributes),
      (der: Uint8Array) => readScepAttributes(readAny(cursorOver(der), 'attributes')),
    ],
  ] as const)('throw nothing but DerError for mutated %s', (_, sample, read) => {
    fc.assert(fc.property(mutants(sample), (der) => throwsOnlyDerError(() => read(der))))
  })

  it('throw nothing but DerError for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        throwsOnlyDerError(() => readSigningRequest(bytes))
        throwsOnlyDerError(() => readEnvelope(bytes))
        throwsOnlyDerError(() => readCertificatesOnly(bytes))
        expect(openRequest(bytes, [authority]).kind).toBe('malformed')
      }),
      { numRuns: 300 },
    )
  })
})

describe('a request with any change is never accepted', () => {
  const isOurs = (der: Uint8Array): boolean => {
    const opened = openRequest(der, [authority])
    return (
      opened.kind !== 'request' ||
      Buffer.from(opened.request.csr.spki).equals(
        createPublicKey(key).export({ type: 'spki', format: 'der' }),
      )
    )
  }

  it('in its signed outside', () => {
    fc.assert(fc.property(mutants(pending.der), isOurs), { numRuns: 300 })
  })

  it('in its envelope, signed by the client', () => {
    fc.assert(
      fc.property(mutants(envelope), (der) => isOurs(signed(der))),
      { numRuns: 150 },
    )
  })

  it('in its CSR: pkijs accepts each request that the server accepts', async () => {
    await fc.assert(
      fc.asyncProperty(mutants(csr), async (der) => {
        const sealed = writeEnvelope(der, authority.certificate.der, 'aes-128-cbc')
        if (openRequest(signed(sealed), [authority]).kind === 'request') {
          expect(await CertificationRequest.fromBER(new Uint8Array(der)).verify()).toBe(true)
        }
      }),
      { numRuns: 150 },
    )
  })

  it('in its ciphertext or encrypted key, it opens to nothing or to garbage, without a throw', () => {
    const closed = readEnvelope(envelope)
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.uint8Array({ maxLength: 300 }),
        (encryptedKey, ciphertext) => {
          const opened = openEnvelope({ ...closed, encryptedKey, ciphertext }, authority.key)
          expect(opened === undefined || opened.length <= ciphertext.length).toBe(true)
        },
      ),
      { numRuns: 100 },
    )
  })
})

it('a client accepts no mutated CertRep as an identity', () => {
  const opened = openRequest(pending.der, [authority])
  if (opened.kind !== 'request') {
    throw new Error('the sample is refused')
  }
  const reply = certRep(opened.request, pending.signer.certificate, undefined)
  expect(readCertRep(reply, pending).certificate).toEqual(pending.signer.certificate)
  fc.assert(
    fc.property(mutants(reply), (der) => {
      try {
        return Buffer.from(readCertRep(der, pending).certificate).equals(pending.signer.certificate)
      } catch (error) {
        return error instanceof Error
      }
    }),
    { numRuns: 150 },
  )
})
