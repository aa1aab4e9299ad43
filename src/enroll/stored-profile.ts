/** Checks profiles that admins store (`PUT /v1/profiles`), as MicroMDM checks them. */
import { signedContent } from '../pki/cms/cms.ts'
import { stringAt } from '../plist/dict.ts'
import { PlistError } from '../plist/error.ts'
import { looksLikeXml, readPlistTop } from '../plist/read.ts'
import { openSignedPlist } from './signed-plist.ts'

/** A configuration profile by its `PayloadIdentifier`: plain XML or signed, kept byte for byte. */
export interface StoredProfile {
  readonly identifier: string
  readonly mobileconfig: Uint8Array
}

/** A row of D1 holds 2 MB; base64 leaves three quarters of it. */
export const MAX_PROFILE_BYTES = 1_450_000

const KEYS: ReadonlySet<string> = new Set(['PayloadIdentifier'])

/** The fault of a profile, in MicroMDM's words; undefined when it may be stored. */
export function problemOf({ identifier, mobileconfig }: StoredProfile): string | undefined {
  if (identifier === '') {
    return 'Profile struct must have Identifier'
  }
  if (mobileconfig.length === 0) {
    return 'no Mobileconfig data'
  }
  const xml = xmlOf(mobileconfig)
  if (typeof xml === 'string') {
    return xml
  }
  try {
    const found = stringAt(readPlistTop(xml, KEYS), 'PayloadIdentifier') ?? ''
    if (found === '') {
      return 'empty PayloadIdentifier in profile'
    }
    return found === identifier ? undefined : 'payload Identifier does not match Profile'
  } catch (error) {
    if (error instanceof PlistError) {
      return error.message
    }
    throw error
  }
}

/** The plist of a profile. A signed profile must have a good signature, from any signer. */
function xmlOf(mobileconfig: Uint8Array): Uint8Array | string {
  if (looksLikeXml(mobileconfig)) {
    return mobileconfig
  }
  if (signedContent(mobileconfig) === undefined) {
    return 'Mobileconfig is not XML nor PKCS7 parseable'
  }
  const signed = openSignedPlist(mobileconfig)
  return signed.ok ? signed.content : `Mobileconfig signature: ${signed.reason}`
}
