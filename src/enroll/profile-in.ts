import { signedContent } from '../pki/cms/cms.ts'
import { asDict, textAt } from '../plist/dict.ts'
import { tryToRead } from '../plist/error.ts'
import { readPlist } from '../plist/read.ts'
import type { PlistDict } from '../plist/value.ts'
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
