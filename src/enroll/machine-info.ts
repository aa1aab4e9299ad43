/** MachineInfo: a device in Setup Assistant describes itself (Apple: "MachineInfo"). */
import { textAt } from '../plist/dict.ts'
import { exactString } from '../plist/entries.ts'
import { readEntries } from '../plist/read.ts'

/**
 * Empty where the device sends no value: a User Enrollment names no UDID or serial number, older systems no
 * OS_VERSION.
 */
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

const KEYS: ReadonlySet<string> = new Set([
  'UDID',
  'SERIAL',
  'PRODUCT',
  'VERSION',
  'OS_VERSION',
  'MDM_CAN_REQUEST_SOFTWARE_UPDATE',
])

/**
 * Reads the signed plist; unknown keys are skipped. Certificates are bound to UDID and serial number, so
 * these have to be unchanged. Other values that cannot be read count as absent.
 *
 * @throws PlistError when it is not a dictionary, or one of the two cannot be read
 */
export function readMachineInfo(plist: Uint8Array): MachineInfo {
  const entries = readEntries(plist, KEYS)
  const { dict } = entries
  return {
    udid: exactString(entries, 'UDID') ?? '',
    serial: exactString(entries, 'SERIAL') ?? '',
    product: textAt(dict, 'PRODUCT'),
    build: textAt(dict, 'VERSION'),
    osVersion: textAt(dict, 'OS_VERSION'),
    canRequestSoftwareUpdate: dict['MDM_CAN_REQUEST_SOFTWARE_UPDATE'] === true,
  }
}
