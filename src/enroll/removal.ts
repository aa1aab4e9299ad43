import { asDict, dictAt, stringAt } from '../plist/dict.ts'
import { tryToRead } from '../plist/error.ts'
import { readPlist } from '../plist/read.ts'
import { ENROLL_ID } from './installed-profile.ts'

/** Whether a command ends the management of a device: it removes the enrolment profile. */
export function removesEnrollment(requestType: string, payload: Uint8Array): boolean {
  if (requestType !== 'RemoveProfile') {
    return false
  }
  const removes = tryToRead(() => {
    const command = dictAt(asDict(readPlist(payload)), 'Command')
    const identifier = command && stringAt(command, 'Identifier')
    return identifier?.trim().toLowerCase() === ENROLL_ID
  })
  // A payload that cannot be read may still be harmful.
  return removes ?? true
}
