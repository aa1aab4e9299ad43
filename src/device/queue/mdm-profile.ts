/** InstallProfile commands whose profile has an MDM payload: a device that installs one authenticates anew. */
import type { Report } from '../../mdm/message.ts'
import { bytesAt, asDict, dictAt, isDict } from '../../plist/dict.ts'
import { PlistError } from '../../plist/error.ts'
import { readPlist } from '../../plist/read.ts'
import type { PlistValue } from '../../plist/value.ts'
import { signedContent } from '../../pki/cms/cms.ts'
import { loadBody } from '../../storage/bodies.ts'
import type { Context } from '../store/context.ts'
import { established } from '../store/earlier.ts'
import { RENEWAL_SOURCE } from '../store/installed.ts'
import { CHANNEL_SPAN } from '../store/schema.ts'
import { saveDevice, type PendingCommand } from '../store/state.ts'

/** So long after its acknowledgement an Authenticate may still come from such a profile. */
const ACKNOWLEDGED_FOR = 3_600_000

/**
 * CommandUUIDs of such commands on the device channel that are out, unanswered, or were acknowledged lately. Ours do not count:
 * what they lead to is told by its certificate, and by nothing that a wiped device could have too.
 */
export function mdmProfilesOut(context: Context): string[] {
  const { mdmProfile } = established(context).installed
  const lately = mdmProfile && context.now - mdmProfile.at < ACKNOWLEDGED_FOR
  const out = context.db
    .all<{ id: number; uuid: string; requestType: string; secret: number }>(
      `SELECT id, uuid, request_type AS requestType, secret FROM commands
        WHERE id < ${CHANNEL_SPAN} AND request_type = 'InstallProfile' AND handed_out_at > not_now_at
        AND (state = 'held' AND held_for = 'earlier' OR ? AND state IN ('sent', 'stalled'))`,
      Number(context.state.device.contest === undefined),
    )
    .filter((row) => isMdmProfile(context, { ...row, secret: row.secret === 1 }))
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
 * a job have one for all its devices, and one that a client chose others may have too.
 */
export function acknowledges(
  { db, state }: Context,
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
        AND handed_epoch = ? AND (source = '' OR source GLOB 'job/*/own')`,
      uuid,
      state.device.contest?.earlier[0] ?? 0,
    ).length > 0
  )
}

function isMdmProfile(
  context: Context,
  entry: Pick<PendingCommand, 'id' | 'requestType' | 'secret'>,
): boolean {
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
    // As leniently as a device may read it: there it counts.
    const content = asDict(readPlist(signedContent(profile) ?? profile, 'device'))
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
  return isDict(payload) && payload['PayloadType'] === 'com.apple.mdm'
}
