import { signedContent } from '../pki/cms/cms.ts'
import { readCertificate } from '../pki/x509/certificate.ts'
import { asDict, dictsIn, textAt } from '../plist/dict.ts'
import { tryToRead } from '../plist/error.ts'
import { looksLikeXml, readPlist } from '../plist/read.ts'
import type { PlistDict } from '../plist/value.ts'
import { openSignedPlist } from './signed-plist.ts'
import { MAX_PROFILE_BYTES } from './stored-profile.ts'

/** Characters. */
const MAX_IDENTIFIER = 1000

/** A configuration profile, plain or signed, read as a device does: leniently. `undefined` if unreadable. */
export function profileIn(bytes: Uint8Array): PlistDict | undefined {
  return tryToRead(() => asDict(readPlist(signedContent(bytes) ?? bytes, 'device')))
}

/** The PayloadIdentifier of a file; empty if the file is no profile, or one of uncommon length. */
export function profileIdentifier(file: Uint8Array): string {
  const profile = file.length > MAX_PROFILE_BYTES ? undefined : profileIn(file)
  const identifier = profile ? textAt(profile, 'PayloadIdentifier') : ''
  return identifier.length > MAX_IDENTIFIER ? '' : identifier
}

/** What a list shows of a configuration profile. */
export interface ProfileSummary {
  /** Its PayloadDisplayName; empty if there is none. */
  readonly name: string
  /** Each PayloadType once, in the order of the profile; none of an encrypted profile. */
  readonly payloadTypes: readonly string[]
  /** The common name of the signer's certificate; empty for a profile without a signature. */
  readonly signedBy: string
}

const MOST_TYPES = 50
const MOST_CHARACTERS = 200

/** Reads a profile that may be stored (stored-profile.ts). What cannot be read of it is left empty. */
export function profileSummary(mobileconfig: Uint8Array): ProfileSummary {
  const profile = profileIn(mobileconfig) ?? {}
  const types = dictsIn(profile['PayloadContent']).map((payload) => textAt(payload, 'PayloadType'))
  return {
    name: cut(textAt(profile, 'PayloadDisplayName')),
    payloadTypes: [...new Set(types.map(cut))].filter(Boolean).slice(0, MOST_TYPES),
    signedBy: looksLikeXml(mobileconfig) ? '' : cut(signerOf(mobileconfig)),
  }
}

/** The signer's name. The certificate is not judged. */
function signerOf(mobileconfig: Uint8Array): string {
  const signed = openSignedPlist(mobileconfig)
  if (!signed.ok) {
    return ''
  }
  const { commonName, subjectText } = readCertificate(signed.signer.certificate)
  return commonName ?? subjectText
}

function cut(text: string): string {
  return text.slice(0, MOST_CHARACTERS)
}
