import { asDict, dictAt, stringAt } from '../plist/dict.ts'
import { PlistError } from '../plist/error.ts'
import { readPlist } from '../plist/read.ts'
import { ENROLL_ID } from './installed-profile.ts'

/** Whether a command ends the management of a device: it removes the enrolment profile. */
export function removesEnrollment(requestType: string, payload: Uint8Array): boolean {
  if (requestType !== 'RemoveProfile') {
    return false
  }
  try {
    const command = dictAt(asDict(readPlist(payload)), 'Command')
    return command !== undefined && stringAt(command, 'Identifier') === ENROLL_ID
  } catch (error) {
    // A payload that cannot be read may still be harmful.
    if (error instanceof PlistError) {
      return true
    }
    throw error
  }
}
