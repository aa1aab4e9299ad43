/** Reads the extensions of a certificate (RFC 5280 §4.2) that identities need. */
import {
  atEnd,
  contentOf,
  type Cursor,
  DerError,
  finish,
  inside,
  read,
  readOid,
  readSingle,
  readOptional,
  readSmallInteger,
  TAG,
} from '../asn1/der.ts'
import { OID } from '../asn1/oids.ts'

/** The part of `Certificate` that comes from extensions. */
export interface Extensions {
  /** basicConstraints says CA. */
  readonly isCA: boolean
  /** keyUsage, where present, allows to sign certificates. */
  readonly mayIssue: boolean
  /** keyUsage, where present, allows to sign messages. */
  readonly maySign: boolean
  /** CA certificates that may follow below this one; undefined is any number. */
  readonly pathLength: number | undefined
  /** OIDs of the extended key usages, undefined without that extension. */
  readonly extKeyUsages: readonly string[] | undefined
  readonly hasNameConstraints: boolean
  /** Content of the subjectKeyIdentifier, if there is one. */
  readonly subjectKeyIdentifier: Uint8Array | undefined
  /** A critical extension is present that `validatePath` does not understand (RFC 5280 §4.2). */
  readonly hasUnknownCritical: boolean
}

/** Bits 0 and 5 of keyUsage (RFC 5280 §4.2.1.3). */
const DIGITAL_SIGNATURE = 0x80
const KEY_CERT_SIGN = 0x04

/** Critical extensions that are read here, or that do not restrict the uses of a certificate. */
const UNDERSTOOD = new Set<string>([
  OID.basicConstraints,
  OID.keyUsage,
  OID.extKeyUsage,
  OID.subjectAltName,
  OID.certificatePolicies,
])

/** One extension; `value` is the DER inside its OCTET STRING. */
interface Extension {
  readonly id: string
  readonly critical: boolean
  readonly value: Uint8Array
}

/**
 * Reads the end of a TBSCertificate, from the unique ids on, and its extensions (RFC 5280 §4.2). @throws
 * DerError for malformed or repeated extensions
 */
export function readExtensions(fields: Cursor): Extensions {
  readOptional(fields, 0x81, 'issuerUniqueID')
  readOptional(fields, 0x82, 'subjectUniqueID')
  const wrapper = readOptional(fields, 0xa3, 'extensions')
  finish(fields, 'tbsCertificate')
  return interpret(wrapper === undefined ? [] : listExtensions(contentOf(wrapper)))
}

function listExtensions(der: Uint8Array): Extension[] {
  const list = inside(readSingle(der, TAG.sequence, 'extensions'))
  const extensions: Extension[] = []
  const ids = new Set<string>()
  while (!atEnd(list)) {
    const extension = inside(read(list, TAG.sequence, 'extension'))
    const id = readOid(extension, 'extension')
    const critical = readOptional(extension, TAG.boolean, 'critical')
    const value = contentOf(read(extension, TAG.octetString, `extension ${id}`))
    finish(extension, `extension ${id}`)
    if (ids.has(id)) {
      throw new DerError(`extension ${id}: present twice`)
    }
    ids.add(id)
    extensions.push({ id, critical: critical?.bytes[critical.body] === 0xff, value })
  }
  return extensions
}

function interpret(extensions: readonly Extension[]): Extensions {
  const valueOf = (id: string): Uint8Array | undefined =>
    extensions.find((extension) => extension.id === id)?.value
  const { isCA, pathLength } = readBasicConstraints(valueOf(OID.basicConstraints))
  const usage = readKeyUsage(valueOf(OID.keyUsage))
  const keyIdentifier = valueOf(OID.subjectKeyIdentifier)
  return {
    isCA,
    mayIssue: (usage & KEY_CERT_SIGN) !== 0,
    maySign: (usage & DIGITAL_SIGNATURE) !== 0,
    pathLength,
    extKeyUsages: readExtKeyUsages(valueOf(OID.extKeyUsage)),
    subjectKeyIdentifier:
      keyIdentifier &&
      contentOf(readSingle(keyIdentifier, TAG.octetString, 'subjectKeyIdentifier')),
    hasNameConstraints: valueOf(OID.nameConstraints) !== undefined,
    hasUnknownCritical: extensions.some(({ id, critical }) => critical && !UNDERSTOOD.has(id)),
  }
}

function readBasicConstraints(value: Uint8Array | undefined): {
  isCA: boolean
  pathLength: number | undefined
} {
  if (value === undefined) {
    return { isCA: false, pathLength: undefined }
  }
  const fields = inside(readSingle(value, TAG.sequence, 'basicConstraints'))
  const ca = readOptional(fields, TAG.boolean, 'cA')
  const isCA = ca?.bytes[ca.body] === 0xff
  const pathLength = atEnd(fields) ? undefined : readSmallInteger(fields, 'pathLenConstraint')
  finish(fields, 'basicConstraints')
  return { isCA, pathLength }
}

/** The first eight bits; all of them without the extension, which allows everything. */
function readKeyUsage(value: Uint8Array | undefined): number {
  if (value === undefined) {
    return 0xff
  }
  const [, bits = 0] = contentOf(readSingle(value, TAG.bitString, 'keyUsage'))
  return bits
}

function readExtKeyUsages(value: Uint8Array | undefined): string[] | undefined {
  if (value === undefined) {
    return undefined
  }
  const list = inside(readSingle(value, TAG.sequence, 'extKeyUsage'))
  const usages: string[] = []
  while (!atEnd(list)) {
    usages.push(readOid(list, 'extKeyUsage'))
  }
  return usages
}
