import { asDict, dictAt, stringAt } from '../plist/dict.ts'
import { PlistError } from '../plist/error.ts'
import { readPlist } from '../plist/read.ts'
import { ENROLL_ID } from './installed-profile.ts'

/** Whether a command takes a device out of management: it removes the profile that brought it in. */
export function removesEnrollment(requestType: string, payload: Uint8Array): boolean {
  if (requestType !== 'RemoveProfile') {
    return false
  }
  try {
    const command = dictAt(asDict(readPlist(payload)), 'Command')
    return command !== undefined && stringAt(command, 'Identifier') === ENROLL_ID
  } catch (error) {
    // Not to be read is not to be harmless.
    if (error instanceof PlistError) {
      return true
    }
    throw error
  }
}
