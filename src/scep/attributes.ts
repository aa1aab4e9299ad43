/** Reads and writes the signed attributes that make a CMS message a SCEP message (RFC 8894 §3.2.1). */
import {
  atEnd,
  contentOf,
  DerError,
  type Element,
  encodingOf,
  finish,
  inside,
  read,
  readAny,
  readOid,
  TAG,
} from '../pki/asn1/der.ts'
import { octetString, oid, printableString, sequence, setOf } from '../pki/asn1/der-write.ts'
import { textOf } from '../pki/x509/name.ts'

/** VeriSign's arc, which SCEP has used from the beginning. */
const ARC = '2.16.840.1.113733.1.9'

const ATTRIBUTES = {
  messageType: `${ARC}.2`,
  pkiStatus: `${ARC}.3`,
  failInfo: `${ARC}.4`,
  senderNonce: `${ARC}.5`,
  recipientNonce: `${ARC}.6`,
  transactionId: `${ARC}.7`,
} as const

/** The server sends `CertRep`, clients the others (RFC 8894 §3.2.1.2; UpdateReq is of older drafts). */
export const MESSAGE_TYPES = {
  CertRep: '3',
  RenewalReq: '17',
  UpdateReq: '18',
  PKCSReq: '19',
} as const

/** Why a request is refused (RFC 8894 §3.2.1.4). */
const FAIL_INFO = { badAlg: '0', badMessageCheck: '1', badRequest: '2' } as const

export type ScepMessageType = keyof typeof MESSAGE_TYPES
export type FailInfo = keyof typeof FAIL_INFO

export interface ScepAttributes {
  readonly messageType: string
  /** DER of the transaction id. It is sent back unchanged, with any string type. */
  readonly transactionId: Uint8Array
  readonly senderNonce: Uint8Array
  readonly recipientNonce: Uint8Array | undefined
  readonly pkiStatus: string | undefined
  readonly failInfo: string | undefined
}

const MAX_TRANSACTION_ID = 255
const MAX_NONCE = 64

/**
 * Reads them from a SignerInfo's signed attributes.
 *
 * @throws DerError when one is repeated or malformed, or when message type, transaction id or sender nonce
 * are missing
 */
export function readScepAttributes(attributes: Element | undefined): ScepAttributes {
  const values = attributes === undefined ? new Map<string, Element>() : valuesOf(attributes)
  const text = (type: string): string | undefined => {
    const value = values.get(type)
    return value && textOf(value)
  }
  const messageType = text(ATTRIBUTES.messageType)
  const transactionId = values.get(ATTRIBUTES.transactionId)
  const senderNonce = nonceOf(values.get(ATTRIBUTES.senderNonce))
  if (messageType === undefined || transactionId === undefined || senderNonce === undefined) {
    throw new DerError('signedAttrs: messageType, transactionID or senderNonce is missing')
  }
  const length = contentOf(transactionId).length
  if (length === 0 || length > MAX_TRANSACTION_ID) {
    throw new DerError(`transactionID: ${length} bytes`)
  }
  return {
    messageType,
    transactionId: encodingOf(transactionId),
    senderNonce,
    recipientNonce: nonceOf(values.get(ATTRIBUTES.recipientNonce)),
    pkiStatus: text(ATTRIBUTES.pkiStatus),
    failInfo: text(ATTRIBUTES.failInfo),
  }
}

/** DER of each attribute that is given, for a SignerInfo. */
export function writeScepAttributes(options: {
  readonly messageType: ScepMessageType
  readonly transactionId: Uint8Array
  readonly senderNonce: Uint8Array
  readonly recipientNonce?: Uint8Array
  readonly pkiStatus?: string
  readonly failInfo?: FailInfo
}): Uint8Array[] {
  const { messageType, transactionId, senderNonce, recipientNonce, pkiStatus, failInfo } = options
  return [
    attribute('messageType', printableString(MESSAGE_TYPES[messageType])),
    attribute('transactionId', transactionId),
    attribute('senderNonce', octetString(senderNonce)),
    ...(recipientNonce ? [attribute('recipientNonce', octetString(recipientNonce))] : []),
    ...(pkiStatus === undefined ? [] : [attribute('pkiStatus', printableString(pkiStatus))]),
    ...(failInfo ? [attribute('failInfo', printableString(FAIL_INFO[failInfo]))] : []),
  ]
}

function attribute(name: keyof typeof ATTRIBUTES, value: Uint8Array): Uint8Array {
  return sequence(oid(ATTRIBUTES[name]), setOf(value))
}

function nonceOf(value: Element | undefined): Uint8Array | undefined {
  if (value === undefined) {
    return undefined
  }
  const nonce = contentOf(value)
  if (value.tag !== TAG.octetString || nonce.length === 0 || nonce.length > MAX_NONCE) {
    throw new DerError('nonce: not an octet string of 1 to 64 bytes')
  }
  return nonce
}

/** The single value of each attribute, by type. */
function valuesOf(attributes: Element): Map<string, Element> {
  const cursor = inside(attributes)
  const values = new Map<string, Element>()
  while (!atEnd(cursor)) {
    const fields = inside(read(cursor, TAG.sequence, 'an attribute'))
    const type = readOid(fields, 'attribute type')
    const set = inside(read(fields, TAG.set, 'attribute values'))
    finish(fields, 'an attribute')
    const value = readAny(set, `attribute ${type}`)
    if (values.has(type) || !atEnd(set)) {
      throw new DerError(`signedAttrs: more than one value for ${type}`)
    }
    values.set(type, value)
  }
  return values
}
