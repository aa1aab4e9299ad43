/**
 * The records of MicroMDM 1.13.1, as far as they are moved (github.com/micromdm/micromdm, the .proto files in
 * platform/). Each reader throws a WireError for a broken value.
 */
import type { FlatBlueprint } from '../../blueprints/flat.ts'
import {
  readWire,
  wireBytes,
  wireFlag,
  wireInt64,
  wireMessages,
  wireText,
  wireTexts,
} from './protobuf.ts'

export type DeviceRecord = ReturnType<typeof readDeviceRecord>
export type PushRecord = ReturnType<typeof readPushRecord>
export type UserRecord = ReturnType<typeof readUserRecord>
export type QueueRecord = ReturnType<typeof readQueueRecord>
export type CommandRecord = ReturnType<typeof readCommandRecord>

/** A device of mdm.Devices. One that is only known from Apple's device enrolment service has no UDID. */
export function readDeviceRecord(value: Uint8Array) {
  const fields = readWire(value)
  return {
    uuid: wireText(fields, 1),
    udid: wireText(fields, 2),
    facts: {
      SerialNumber: wireText(fields, 3),
      OSVersion: wireText(fields, 4),
      BuildVersion: wireText(fields, 5),
      ProductName: wireText(fields, 6),
      IMEI: wireText(fields, 7),
      MEID: wireText(fields, 8),
      DeviceName: wireText(fields, 15),
      Model: wireText(fields, 16),
      ModelName: wireText(fields, 17),
    },
    /** Hex. */
    token: wireText(fields, 9),
    magic: wireText(fields, 10),
    /** Hex. */
    unlockToken: wireText(fields, 12),
    isEnrolled: wireFlag(fields, 13),
    isAwaitingConfiguration: wireFlag(fields, 14),
    /** Nanoseconds since 1970. */
    lastSeen: wireInt64(fields, 28),
    bootstrapToken: wireBytes(fields, 30),
  }
}

/** Of mdm.PushInfo: `key` is a UDID, a UserID or an EnrollmentID, as the key of the record itself. */
export function readPushRecord(value: Uint8Array) {
  const fields = readWire(value)
  return {
    key: wireText(fields, 1),
    /** Hex. */
    token: wireText(fields, 2),
    magic: wireText(fields, 3),
    topic: wireText(fields, 4),
  }
}

/** Of mdm.Users: the user of a channel, or, without UserID and UDID, an account to be made at enrolment. */
export function readUserRecord(value: Uint8Array) {
  const fields = readWire(value)
  return {
    uuid: wireText(fields, 1),
    udid: wireText(fields, 2),
    userId: wireText(fields, 3),
    shortName: wireText(fields, 4),
    longName: wireText(fields, 5),
    /** Its push token in hex, from the same TokenUpdate as `udid` and `shortName`. */
    token: wireText(fields, 6),
    /** A property list, as Macs take it. */
    passwordHash: wireBytes(fields, 7),
    isHidden: wireFlag(fields, 8),
  }
}

/** Of mdm.Blueprint. */
export function readBlueprintRecord(value: Uint8Array): FlatBlueprint {
  const fields = readWire(value)
  return {
    uuid: wireText(fields, 1),
    name: wireText(fields, 2),
    install_application_manifest_urls: wireTexts(fields, 3),
    profile_ids: wireTexts(fields, 5),
    apply_at: wireTexts(fields, 6),
    user_uuids: wireTexts(fields, 7),
    skip_primary_setup_account_creation: wireFlag(fields, 8),
    set_primary_setup_account_as_regular_user: wireFlag(fields, 9),
  }
}

/** The queue and history of one key of mdm.DeviceCommands. */
export function readQueueRecord(value: Uint8Array) {
  const fields = readWire(value)
  return {
    key: wireText(fields, 1),
    pending: wireMessages(fields, 2).map(readCommandRecord),
    completed: wireMessages(fields, 3).length,
    failed: wireMessages(fields, 4).length,
    notNow: wireMessages(fields, 5).map(readCommandRecord),
  }
}

function readCommandRecord(value: Uint8Array) {
  const fields = readWire(value)
  return {
    uuid: wireText(fields, 1),
    payload: wireBytes(fields, 2),
    /** Nanoseconds since 1970. MicroMDM 1.13.1 stores the time of no moment, which is negative. */
    createdAt: wireInt64(fields, 3),
  }
}

/** Of mdm.RemoveDevice: the UDID of a blocked device. */
export function readBlockRecord(value: Uint8Array): string {
  return wireText(readWire(value), 1)
}

export function readProfileRecord(value: Uint8Array) {
  const fields = readWire(value)
  return { id: wireText(fields, 1), mobileconfig: wireBytes(fields, 2) }
}

/** Of mdm.ServerConfig: PEM, as an admin uploaded it. */
export function readConfigRecord(value: Uint8Array) {
  const fields = readWire(value)
  return { certificate: wireBytes(fields, 1), key: wireBytes(fields, 2) }
}
