/** MachineInfo: what a device in Setup Assistant says about itself (`apple-protocol.md` §5.3). */
import { asDict, boolAt, stringAt } from '../plist/dict.ts'
import { readPlist } from '../plist/read.ts'

/** Empty where the device does not say: a User Enrollment names no UDID or serial, older ones no OS_VERSION. */
export interface MachineInfo {
  readonly udid: string
  readonly serial: string
  /** Hardware model, `iPhone16,2`. */
  readonly product: string
  /** Build of the OS. */
  readonly build: string
  /** `17.5.1`; since iOS 17 and macOS 14. */
  readonly osVersion: string
  /** The device offers to update itself before it enrols. */
  readonly canRequestSoftwareUpdate: boolean
}

/** Reads the signed plist; unknown keys are skipped. @throws PlistError when it is none, or a field is mistyped */
export function readMachineInfo(plist: Uint8Array): MachineInfo {
  const dict = asDict(readPlist(plist))
  const text = (key: string) => stringAt(dict, key) ?? ''
  return {
    udid: text('UDID'),
    serial: text('SERIAL'),
    product: text('PRODUCT'),
    build: text('VERSION'),
    osVersion: text('OS_VERSION'),
    canRequestSoftwareUpdate: boolAt(dict, 'MDM_CAN_REQUEST_SOFTWARE_UPDATE') ?? false,
  }
}
