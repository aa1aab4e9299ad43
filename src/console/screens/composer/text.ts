/** Sentences of the composer. */
import { kindOf, type DeviceFacts } from '../../composer/facts.ts'

/** The verb of a button, and whether the device is its object. Other types are sent. */
const VERBS: Readonly<Record<string, string>> = {
  DeviceLock: 'Lock',
  EraseDevice: 'Erase',
  RestartDevice: 'Restart',
  ShutDownDevice: 'Shut down',
}

const DEEDS: Readonly<Record<string, string>> = {
  ClearPasscode: 'Clear passcode',
  EnableLostMode: 'Turn on Lost Mode',
  DisableLostMode: 'Turn off Lost Mode',
  DeviceLocation: 'Locate',
  PlayLostModeSound: 'Play sound',
  InstallProfile: 'Install profile',
  RemoveProfile: 'Remove profile',
  DeleteUser: 'Delete user',
  SetRecoveryLock: 'Set Recovery Lock',
  SetFirmwarePassword: 'Set firmware password',
  SetAutoAdminPassword: 'Set password',
  RotateFileVaultKey: 'Rotate key',
  ClearRestrictionsPassword: 'Clear passcode',
  ClearActivationLockBypassCode: 'Clear bypass code',
}

/** What the button says: verb and object, the same in its dialog. */
export function deedOf(
  requestType: string,
  facts: DeviceFacts,
  count?: number,
  otherwise = 'Send',
): string {
  const verb = VERBS[requestType]
  if (verb !== undefined) {
    return `${verb} ${count === undefined ? kindOf(facts) : countedDevices(count)}`
  }
  return DEEDS[requestType] ?? otherwise
}

export function countedDevices(count: number): string {
  return `${count.toLocaleString('en-GB')} ${count === 1 ? 'device' : 'devices'}`
}

export const UNKNOWN_DEVICE =
  'Nothing is known of this device yet. A command waits until it enrols; a secret or destructive one is ' +
  'then held for a release.'
export const NOT_HERE = 'It is not enrolled: a command waits until it is.'
export const OS_UNKNOWN = 'Its OS is not known, so every command is offered.'
export const PIN_KEPT = 'The PIN is kept with the command: Reveal shows it later, for a reason.'
export const NOT_IN_FORM =
  'The form cannot show this exactly. It is sent as it stands here; undo the change to go back to the form.'
export const NO_JSON = 'This is no JSON object, and no call of curl with one.'
export const NO_LONGER_KEPT = 'What was sent then is no longer kept, so the form starts anew.'
export const CANCEL_WHILE =
  'You can cancel it while it waits. A device that has it already may carry it out.'
export const FORCE_HINT =
  'What is known here may be old. You can send it all the same; then the device decides.'
/** What takes the users of many devices by surprise, although nothing that is stored is lost. */
export const DISRUPTS: Readonly<Record<string, string>> = {
  RestartDevice: 'Nothing that is stored. Users are interrupted, and unsaved work may be lost.',
  ShutDownDevice: 'Until somebody switches it on, each device cannot be reached.',
}
/** More devices than that are a fleet, and no trial. */
export const ASKED_ABOVE = 10
export const PAST = 'This time is past, so the command goes out at once.'
export const NO_PROFILE = 'No profile can be read in it. The device will most likely refuse it.'
export const NO_WIFI =
  'The Wi-Fi file is no profile that holds a Wi-Fi: after the erasure the device does not come back online ' +
  'by itself. Somebody has to join it to a network by hand, or by a cable.'
export const BIG_FILE = 'It is large: on a slow network the device needs a while.'
export const TOO_BIG = 'It is larger than 20 MB, and cannot be sent in a command.'
