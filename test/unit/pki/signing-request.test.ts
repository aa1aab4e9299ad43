import { createPublicKey } from 'node:crypto'
import { expect, it } from 'vitest'
import { DerError } from '../../../src/pki/der.ts'
import {
  bitString,
  element,
  integer,
  oid,
  sequence,
  setOf,
  utf8String,
} from '../../../src/pki/der-write.ts'
import { writeName } from '../../../src/pki/name.ts'
import { DIGEST_OIDS, OID } from '../../../src/pki/oids.ts'
import { readSigningRequest } from '../../../src/pki/signing-request.ts'
import { newKey } from '../../../src/simulator/identity.ts'

it('a signing request has one challenge: of two, nobody could say which counts', () => {
  const key = newKey('ec')
  const challenge = (text: string): Uint8Array =>
    sequence(oid(OID.challengePassword), setOf(utf8String(text)))
  const request = (...challenges: readonly string[]): Uint8Array =>
    sequence(
      sequence(
        integer(0),
        writeName([['CN', 'Mac']]),
        createPublicKey(key).export({ type: 'spki', format: 'der' }),
        element(0xa0, ...challenges.map(challenge)),
      ),
      sequence(oid(DIGEST_OIDS.sha256.ec)),
      bitString(new Uint8Array(8)),
    )
  expect(readSigningRequest(request('first'))).toMatchObject({ challengePassword: 'first' })
  expect(() => readSigningRequest(request('first', 'second'))).toThrow(DerError)
})
