/** What a configuration profile holds, read before it is sent anywhere (Apple: "TopLevel"). */
import { dictsIn, isArray, isDict, textAt } from '../../plist/dict.ts'
import { PlistError } from '../../plist/error.ts'
import { looksLikeXml, readPlist } from '../../plist/read.ts'
import type { PlistDict, PlistValue } from '../../plist/value.ts'
import { bytesOf, signedParts } from './certificate.ts'

export interface ProfileFacts {
  readonly name: string
  readonly identifier: string
  readonly description: string
  readonly organization: string
  /** `User`, `System`, or empty. */
  readonly scope: string
  /** Only a passcode, or the server, removes it. */
  readonly isLocked: boolean
  /** Only the device can read its payloads. */
  readonly isEncrypted: boolean
  /** Who signed it, by the certificate in it, which is not judged. `undefined` without a signature. */
  readonly signer: string | undefined
  readonly payloads: readonly PayloadFacts[]
  /** Where it is not what Apple asks of every profile: a device may refuse it. */
  readonly faults: readonly string[]
}

export interface PayloadFacts {
  readonly type: string
  readonly name: string
  /** The keys that hold passwords, tokens or keys. */
  readonly secrets: readonly string[]
}

/** A longer file is no profile. */
const MOST = 5_000_000
const SECRET = /password|passphrase|passcode|secret|psk|token|challenge|privatekey|pin$/i
/** Its content is a certificate with its private key. */
const IDENTITY = 'com.apple.security.pkcs12'
const WIFI = 'com.apple.wifi.managed'

/** @returns `undefined` for bytes without a profile in them */
export function profileFacts(bytes: Uint8Array): ProfileFacts | undefined {
  const read = readProfile(bytes)
  return typeof read === 'string' ? undefined : read
}

/** Whether a device can join a Wi-Fi by this file. What only the device can read may hold one. */
export function holdsWifi(base64: string): boolean {
  try {
    const facts = profileFacts(bytesOf(base64))
    return (
      facts !== undefined && (facts.isEncrypted || facts.payloads.some(({ type }) => type === WIFI))
    )
  } catch {
    return false
  }
}

/** @returns why not, for bytes without a profile in them: a part of a sentence */
export function readProfile(bytes: Uint8Array): ProfileFacts | string {
  if (bytes.length > MOST) {
    return 'it is longer than 5 MB'
  }
  const signed = signedParts(bytes)
  const content = signed?.content ?? bytes
  const plist = readOr(content)
  if (typeof plist === 'string') {
    return plist
  }
  const identifier = textAt(plist, 'PayloadIdentifier')
  return identifier === ''
    ? 'it has no PayloadIdentifier'
    : factsOf(plist, identifier, signed?.signer)
}

function readOr(content: Uint8Array): PlistDict | string {
  try {
    const plist = readPlist(content, 'device')
    return isDict(plist) ? plist : 'its property list is no dictionary'
  } catch (error) {
    if (!(error instanceof PlistError)) {
      throw error
    }
    return error.offset === undefined || !looksLikeXml(content)
      ? 'it is no property list'
      : `line ${lineAt(content, error.offset)}: ${error.message}`
  }
}

/** The offset counts characters of the text with its line ends made one character. */
function lineAt(content: Uint8Array, offset: number): number {
  const before = new TextDecoder().decode(content).replaceAll('\r\n', '\n').slice(0, offset)
  return before.split('\n').length
}

function factsOf(plist: PlistDict, identifier: string, signer: string | undefined): ProfileFacts {
  return {
    name: textAt(plist, 'PayloadDisplayName'),
    identifier,
    description: textAt(plist, 'PayloadDescription'),
    organization: textAt(plist, 'PayloadOrganization'),
    scope: textAt(plist, 'PayloadScope'),
    isLocked: plist['PayloadRemovalDisallowed'] === true,
    isEncrypted: plist['EncryptedPayloadContent'] !== undefined,
    signer,
    faults: faultsOf(plist),
    payloads: dictsIn(plist['PayloadContent']).map((payload) => ({
      type: textAt(payload, 'PayloadType'),
      name: textAt(payload, 'PayloadDisplayName'),
      secrets: secretsOf(payload),
    })),
  }
}

/** The keys that every profile and every payload needs (Apple: "TopLevel", "CommonPayloadKeys"). */
function faultsOf(plist: PlistDict): readonly string[] {
  const payloads = dictsIn(plist['PayloadContent'])
  const type = textAt(plist, 'PayloadType')
  return [
    ...(type === 'Configuration' ? [] : ['Its PayloadType has to be Configuration.']),
    ...lacking(plist, ['PayloadUUID'], 'It'),
    ...payloads.flatMap((payload, n) =>
      lacking(payload, ['PayloadType', 'PayloadIdentifier', 'PayloadUUID'], `Payload ${n + 1}`),
    ),
    ...twice(payloads.map((payload) => textAt(payload, 'PayloadUUID'))).map(
      (uuid) => `Two payloads have the PayloadUUID ${uuid}.`,
    ),
  ]
}

function lacking(dict: PlistDict, keys: readonly string[], who: string): readonly string[] {
  const missing = keys.filter((key) => textAt(dict, key) === '')
  return missing.length === 0 ? [] : [`${who} has no ${missing.join(' and no ')}.`]
}

function twice(words: readonly string[]): readonly string[] {
  return [...new Set(words.filter((word, n) => word !== '' && words.indexOf(word) < n))]
}

function secretsOf(payload: PlistDict): readonly string[] {
  const isIdentity = textAt(payload, 'PayloadType') === IDENTITY
  return [...new Set([...secretKeys(payload), ...(isIdentity ? ['private key'] : [])])]
}

function secretKeys(value: PlistValue): readonly string[] {
  if (isArray(value)) {
    return value.flatMap(secretKeys)
  }
  return isDict(value)
    ? Object.entries(value).flatMap(([key, inner]) =>
        SECRET.test(key) && isFilled(inner) ? [key] : secretKeys(inner),
      )
    : []
}

/** Numbers and booleans are rules about passwords. */
function isFilled(value: PlistValue): boolean {
  return (typeof value === 'string' || value instanceof Uint8Array) && value.length > 0
}
