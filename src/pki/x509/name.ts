/** Distinguished names (RFC 5280 §4.1.2.4): read for people and for the UID, written for `issue.ts`. */
import { Buffer } from 'node:buffer'
import {
  asciiOf,
  atEnd,
  contentOf,
  DerError,
  type Element,
  finish,
  inside,
  read,
  readAny,
  readOid,
  readSingle,
  TAG,
} from '../asn1/der.ts'
import { ia5String, oid, printableString, sequence, setOf, utf8String } from '../asn1/der-write.ts'
import { NAME_OIDS } from '../asn1/oids.ts'

/** One attribute of a name: short name (`CN`), or dotted OID where it has none, and text. */
export type NameAttribute = readonly [type: string, value: string]

/** Names go into rows, logs and pages. Real ones have a few hundred bytes. */
const MAX_NAME_BYTES = 8192

const SHORT_NAMES = new Map(Object.entries(NAME_OIDS).map(([name, id]) => [id, name]))

/**
 * The attributes of a Name in the order of the certificate. Throws DerError when it is malformed or very
 * long.
 */
export function readName(name: Element): NameAttribute[] {
  const length = name.end - name.body
  if (length > MAX_NAME_BYTES) {
    throw new DerError(`Name: ${length} bytes, more than the ${MAX_NAME_BYTES} that are accepted`)
  }
  const attributes: NameAttribute[] = []
  const names = inside(name)
  while (!atEnd(names)) {
    const set = inside(read(names, TAG.set, 'RelativeDistinguishedName'))
    while (!atEnd(set)) {
      const pair = inside(read(set, TAG.sequence, 'AttributeTypeAndValue'))
      const type = readOid(pair, 'attribute type')
      const value = textOf(readAny(pair, 'attribute value'))
      finish(pair, 'AttributeTypeAndValue')
      attributes.push([SHORT_NAMES.get(type) ?? type, value])
    }
  }
  return attributes
}

/**
 * A name for people, `CN=device 1, O=Example`, from the DER of a Name. Throws DerError when it is malformed.
 */
export function nameText(der: Uint8Array): string {
  return textOfName(readName(readSingle(der, TAG.sequence, 'Name')))
}

/** The same from its attributes. */
export function textOfName(attributes: readonly NameAttribute[]): string {
  return attributes.map(([type, value]) => `${type}=${value}`).join(', ')
}

/** DER of a Name with one attribute per level. Throws RangeError for a type that has no short name here. */
export function writeName(attributes: readonly NameAttribute[]): Uint8Array {
  return sequence(...attributes.map(writeAttribute))
}

function writeAttribute([type, value]: NameAttribute): Uint8Array {
  const id = NAME_OIDS[type]
  if (id === undefined) {
    throw new RangeError(
      `unknown subject attribute ${type}: use ${Object.keys(NAME_OIDS).join(', ')}`,
    )
  }
  return setOf(sequence(oid(id), writeText(type, value)))
}

/** The string types that RFC 5280 appendix A prescribes; all others are UTF8String. */
function writeText(type: string, value: string): Uint8Array {
  if (type === 'C' || type === 'serialNumber') {
    return printableString(value)
  }
  return type === 'DC' || type === 'emailAddress' ? ia5String(value) : utf8String(value)
}

/** Text of any of the string types of a name or attribute; hex of anything else. */
export function textOf(value: Element): string {
  const content = contentOf(value)
  switch (value.tag) {
    case TAG.utf8String:
      return Buffer.from(content).toString('utf8')
    case TAG.bmpString:
      return Buffer.from(content.length % 2 === 0 ? content : [])
        .swap16()
        .toString('utf16le')
    case TAG.printableString:
    case TAG.teletexString:
    case TAG.ia5String:
      return asciiOf(content)
    default:
      return Buffer.from(content).toString('hex')
  }
}
