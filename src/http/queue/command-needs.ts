import { needsOf } from '../../apple/support.ts'
import type { Needs } from '../../device/store/commands/new-command.ts'
import { profileIn } from '../../enroll/profile-in.ts'
import { textAt } from '../../plist/dict.ts'
import type { PlistDict } from '../../plist/value.ts'

/** What a command and its profile need of the device. The object of the device checks it. */
export function commandNeeds(
  { requestType, command }: { readonly requestType: string; readonly command: PlistDict },
  otherwise: Needs['otherwise'],
): Needs {
  const profile = profileOf(requestType, command)
  const identifier =
    requestType === 'RemoveProfile'
      ? textAt(command, 'Identifier')
      : profile && textAt(profile, 'PayloadIdentifier')
  return {
    names: needsOf(requestType, command, profile),
    otherwise,
    ...(identifier && { profile: identifier }),
  }
}

/** The profile of an InstallProfile; `undefined` if unreadable. */
function profileOf(requestType: string, command: PlistDict): PlistDict | undefined {
  const payload = command['Payload']
  return requestType === 'InstallProfile' && payload instanceof Uint8Array
    ? profileIn(payload)
    : undefined
}
