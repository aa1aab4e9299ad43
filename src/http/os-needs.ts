import { needsOf } from '../apple/support.ts'
import type { Needs } from '../device/store/commands/new-command.ts'
import { signedContent } from '../pki/cms/cms.ts'
import { asDict } from '../plist/dict.ts'
import { tryToRead } from '../plist/error.ts'
import { readPlist } from '../plist/read.ts'
import type { PlistDict } from '../plist/value.ts'

/** The requirements of a command and its profile on the OS. The object of the device checks them. */
export function osNeeds(
  { requestType, command }: { readonly requestType: string; readonly command: PlistDict },
  otherwise: Needs['otherwise'],
): Needs {
  return { names: needsOf(requestType, command, profileOf(requestType, command)), otherwise }
}

/** The profile of an InstallProfile, read as leniently as a device does; `undefined` if unreadable. */
function profileOf(requestType: string, command: PlistDict): PlistDict | undefined {
  const payload = command['Payload']
  return requestType === 'InstallProfile' && payload instanceof Uint8Array
    ? tryToRead(() => asDict(readPlist(signedContent(payload) ?? payload, 'device')))
    : undefined
}
