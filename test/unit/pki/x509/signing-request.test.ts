import { createPublicKey } from 'node:crypto'
import { expect, it } from 'vitest'
import {
  bitString,
  element,
  integer,
  oid,
  printableString,
  sequence,
  utf8String,
} from '../../../../src/pki/asn1/der-write.ts'
import { writeName } from '../../../../src/pki/x509/name.ts'
import { DIGEST_OIDS, OID } from '../../../../src/pki/asn1/oids.ts'
import { readSigningRequest } from '../../../../src/pki/x509/signing-request.ts'
import { newKey } from '../../../../src/simulator/device/identity.ts'

const key = newKey('ec')
const SET = 0x31

/** A request with these attributes: their type, and their values in the order given. */
function request(...attributes: readonly (readonly [type: string, ...values: Uint8Array[]])[]) {
  const der = sequence(
    sequence(
      integer(0),
      writeName([]),
      createPublicKey(key).export({ type: 'spki', format: 'der' }),
      element(
        0xa0,
        ...attributes.map(([type, ...values]) => sequence(oid(type), element(SET, ...values))),
      ),
    ),
    sequence(oid(DIGEST_OIDS.sha256.ec)),
    bitString(new Uint8Array(8)),
  )
  return readSigningRequest(der)
}

const { challengePassword, extensionRequest } = OID
const [first, second, empty] = ['first', 'second', ''].map(utf8String)
const also = printableString('first')
const extensions = sequence(sequence(oid(OID.subjectAltName), element(4, sequence())))

it.each([
  [
    'in two attributes',
    [
      [challengePassword, first],
      [challengePassword, first],
    ],
  ],
  ['twice in one attribute', [[challengePassword, first, first]]],
  ['in two types of string', [[challengePassword, first, also]]],
  [
    'beside an empty one',
    [
      [challengePassword, empty],
      [challengePassword, first],
    ],
  ],
  ['beside an attribute without a value', [[challengePassword], [challengePassword, first]]],
  [
    'among doubled requests for extensions',
    [
      [extensionRequest, extensions],
      [challengePassword, first],
      [extensionRequest, extensions, extensions],
    ],
  ],
] as [string, [string, ...Uint8Array[]][]][])('a challenge is read %s', (_, attributes) => {
  expect(request(...attributes).challengePassword).toBe('first')
})

it('has no challenge when it has two that differ, in any places', () => {
  for (const attributes of [
    [
      [challengePassword, first],
      [challengePassword, second],
    ],
    [[challengePassword, first, second]],
  ] as [string, ...Uint8Array[]][][]) {
    expect(request(...attributes).challengePassword).toBe('')
  }
})

it('may lack subject and attributes', () => {
  expect(request()).toMatchObject({ subjectText: '', commonName: undefined, challengePassword: '' })
})
