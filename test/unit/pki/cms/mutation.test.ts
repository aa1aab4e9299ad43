import { X509Certificate } from 'node:crypto'
import fc from 'fast-check'
import { ContentInfo, SignedData } from 'pkijs'
import { afterAll, describe, expect, it } from 'vitest'
import { verifyDetached } from '../../../../src/pki/cms/cms.ts'
import { signAttached, signDetached } from '../../../../src/pki/cms/sign.ts'
import { nodeIdentity } from '../node-identity.ts'
import { openOpenssl, opensslSign, RSA } from '../openssl.ts'

/**
 * pkijs is the oracle: whatever we accept after the bytes were changed, it must accept too, for the same
 * body and with the same signer.
 */
const body = Buffer.from('<plist><dict><key>Status</key><string>Idle</string></dict></plist>')
const ec = nodeIdentity({ key: 'ec' })
const rsa = nodeIdentity({ serial: Uint8Array.of(8) })
const openssl = openOpenssl()
const opensslRsa = openssl.identity('rsa', RSA)
afterAll(openssl.cleanUp)

const samples: Record<string, Uint8Array> = {
  'ECDSA with attributes': signDetached({
    ...ec,
    body,
    digest: 'sha256',
    chain: [rsa.certificate],
  }),
  'RSA without attributes': signDetached({ ...rsa, body, digest: 'sha1', withAttributes: false }),
  'attached content': signAttached({ ...rsa, body, digest: 'sha512' }),
  'OpenSSL, indefinite lengths': opensslSign(openssl, opensslRsa, body, ['-stream']),
}

async function pkijsSigner(der: Uint8Array): Promise<Uint8Array | string> {
  try {
    const content = ContentInfo.fromBER(new Uint8Array(der))
    const signed = new SignedData({ schema: content.content })
    if (signed.signerInfos.length !== 1) {
      return 'not one signer'
    }
    // Both of us are asked about the body of the request; pkijs would prefer content in the CMS.
    delete signed.encapContentInfo.eContent
    const data = new Uint8Array(body).buffer
    const outcome = await signed.verify({ signer: 0, data, checkChain: false, extendedMode: true })
    const certificate = outcome.signerCertificate?.toSchema(false).toBER()
    return outcome.signatureVerified === true && certificate ? new Uint8Array(certificate) : 'false'
  } catch (error) {
    return String(error instanceof Error ? error.message : JSON.stringify(error))
  }
}

/** Undefined when we refuse, or when pkijs agrees with what we accept. */
async function disagreement(der: Uint8Array): Promise<string | undefined> {
  const ours = verifyDetached(der, body)
  if (!ours.ok) {
    return undefined
  }
  const theirs = await pkijsSigner(der)
  if (typeof theirs === 'string') {
    return `pkijs: ${theirs}`
  }
  return Buffer.compare(ours.certificate, theirs) === 0 ? undefined : 'another signer'
}

it('a signature check takes no elliptic curve point in hybrid form', () => {
  const der = samples['ECDSA with attributes'] ?? new Uint8Array()
  const point = Buffer.from(
    new X509Certificate(ec.certificate).publicKey.export({ format: 'jwk' }).x ?? '',
    'base64url',
  )
  const at = Buffer.from(der).indexOf(Buffer.concat([Uint8Array.of(4), point]))
  expect(at).toBeGreaterThan(0)
  const mutants = [6, 7].map((form) => der.with(at, form))
  expect(mutants.map((mutant) => verifyDetached(mutant, body).ok)).toEqual([false, false])
})

describe.each(Object.entries(samples))('%s', (_, der) => {
  it('is accepted by both as it is', async () => {
    expect(verifyDetached(der, body).ok).toBe(true)
    expect(await disagreement(der)).toBeUndefined()
  })

  it('with any one bit flipped', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: der.length - 1 }), fc.nat({ max: 7 }), async (at, bit) => {
        const mutant = Uint8Array.from(der)
        mutant[at] = (mutant[at] ?? 0) ^ (1 << bit)
        expect(await disagreement(mutant)).toBeUndefined()
      }),
      { numRuns: 150 },
    )
  })

  it('with bytes inserted, deleted, repeated or replaced', async () => {
    const place = fc.nat({ max: der.length - 1 })
    const edit = fc.record({
      at: place,
      remove: fc.nat({ max: 6 }),
      insert: fc.oneof(
        fc.uint8Array({ maxLength: 4 }),
        fc
          .tuple(place, fc.nat({ max: 12 }))
          .map(([from, length]) => der.slice(from, from + length)),
      ),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 3 }), async (edits) => {
        const mutant = edits.reduce(
          (bytes, { at, remove, insert }) =>
            Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)]),
          Buffer.from(der),
        )
        expect(await disagreement(mutant)).toBeUndefined()
      }),
      { numRuns: 150 },
    )
  })
})
