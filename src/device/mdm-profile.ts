/** InstallProfile commands whose profile has an MDM payload: a device that installs one authenticates anew. */
import type { Report } from '../mdm/message.ts'
import { isUnanswered } from '../mdm/queue.ts'
import { bytesAt, asDict, dictAt, stringAt } from '../plist/dict.ts'
import { PlistError } from '../plist/error.ts'
import { readPlist } from '../plist/read.ts'
import type { PlistValue } from '../plist/value.ts'
import { signedContent } from '../pki/cms.ts'
import { loadBody } from './bodies.ts'
import type { Context } from './context.ts'
import { queueOf } from './queue-memory.ts'
import { RENEWAL_SOURCE } from './installed.ts'
import { CHANNEL_SPAN } from './schema.ts'
import { saveDevice, type PendingCommand } from './state.ts'

/** So long after its acknowledgement an Authenticate may still come from such a profile. */
const ACKNOWLEDGED_FOR = 3_600_000

/**
 * CommandUUIDs of such commands on the device channel that are out, unanswered, or were acknowledged lately. Ours do not count:
 * what they lead to is told by its certificate, and by nothing that a wiped device could have too.
 */
export function mdmProfilesOut(context: Context): string[] {
  const { channels, device } = context.state
  const [channel] = channels
  const { mdmProfile } = device.installed
  const lately = mdmProfile && context.now - mdmProfile.at < ACKNOWLEDGED_FOR
  const out = channel
    ? queueOf(context, channel).pending.filter(
        (entry) => isUnanswered(entry) && isMdmProfile(context, entry),
      )
    : []
  return [...out.map(({ uuid }) => uuid), ...(lately ? [mdmProfile.uuid] : [])]
}

/** Remembers that the device acknowledged such a command, while its payload is there to tell. */
export function noteAcknowledged(context: Context, entry: PendingCommand): void {
  if (entry.id < CHANNEL_SPAN && isMdmProfile(context, entry)) {
    const { device } = context.state
    device.installed.mdmProfile = { uuid: entry.uuid, at: context.now }
    saveDevice(context.db, device)
  }
}

/**
 * Whether a report acknowledges one of these commands, and could not know its CommandUUID unless the device was given it. Those of
 * a job have one for all its devices.
 */
export function acknowledges(
  { db }: Context,
  report: Report,
  commandUUIDs: readonly string[],
): boolean {
  const { commandUUID: uuid, status, enrollment } = report
  return (
    enrollment.user === '' &&
    status === 'Acknowledged' &&
    uuid !== undefined &&
    commandUUIDs.includes(uuid) &&
    db.all(
      `SELECT 1 FROM commands WHERE id < ${CHANNEL_SPAN} AND uuid = ? AND request_type = 'InstallProfile'
        AND first_handed_out_at > 0 AND source NOT GLOB 'job/*'`,
      uuid,
    ).length > 0
  )
}

function isMdmProfile(context: Context, entry: PendingCommand): boolean {
  if (entry.requestType !== 'InstallProfile') {
    return false
  }
  const [row] = context.db.all<{ source: string; payload: ArrayBuffer | Uint8Array | null }>(
    'SELECT source, payload FROM commands WHERE id = ?',
    entry.id,
  )
  return (
    row !== undefined &&
    row.source !== RENEWAL_SOURCE &&
    holdsMdmPayload(loadBody(context, 'payload', entry.id, row.payload, entry.secret))
  )
}

function holdsMdmPayload(command: Uint8Array): boolean {
  try {
    const profile = bytesAt(dictAt(asDict(readPlist(command)), 'Command') ?? {}, 'Payload')
    if (!profile) {
      return false
    }
    const content = asDict(readPlist(signedContent(profile) ?? profile))
    const payloads = content['PayloadContent']
    // What is encrypted for the device may hold anything.
    return (
      content['EncryptedPayloadContent'] !== undefined ||
      (Array.isArray(payloads) && payloads.some(isMdmPayload))
    )
  } catch (error) {
    if (error instanceof PlistError) {
      return false
    }
    throw error
  }
}

function isMdmPayload(payload: PlistValue): boolean {
  return stringAt(asDict(payload), 'PayloadType') === 'com.apple.mdm'
}
