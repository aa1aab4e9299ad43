/**
 * InstallProfile commands whose profile has an MDM payload: a device that installs one sends Authenticate.
 */
import type { Report } from '../../mdm/message.ts'
import { asDict, bytesAt, dictAt, dictsIn } from '../../plist/dict.ts'
import { tryToRead } from '../../plist/error.ts'
import { readPlist } from '../../plist/read.ts'
import type { PlistDict } from '../../plist/value.ts'
import { signedContent } from '../../pki/cms/cms.ts'
import { loadBody } from '../../storage/bodies.ts'
import type { Context } from '../store/context.ts'
import { established } from '../store/earlier.ts'
import { RENEWAL_SOURCE } from '../store/installed.ts'
import { installsOut, readPayload, wasGivenOnlyTo } from '../store/commands/contest.ts'
import { isOfDevice } from '../store/commands/ids.ts'
import { saveDevice } from '../store/rows/save.ts'
import type { PendingCommand } from '../store/state.ts'

/** An Authenticate may follow such a profile within this time after the acknowledgement. */
const ACKNOWLEDGED_FOR = 3_600_000

/**
 * CommandUUIDs of such commands on the device channel that the device has not answered, or acknowledged
 * lately. Renewal profiles of this server do not count: a certificate shows that one was installed, while a
 * wiped device could have the same CommandUUID.
 */
export function mdmProfilesOut(context: Context): string[] {
  const { mdmProfile } = established(context).installed
  const lately = mdmProfile && context.now - mdmProfile.at < ACKNOWLEDGED_FOR
  const isContested = context.state.device.contest !== undefined
  const out = installsOut(context.db, { isContested }).filter((row) => isMdmProfile(context, row))
  return [...out.map(({ uuid }) => uuid), ...(lately ? [mdmProfile.uuid] : [])]
}

/** Notes that the device acknowledged such a command, while its payload is still there. */
export function noteAcknowledged(context: Context, entry: PendingCommand): void {
  if (isOfDevice(entry.id) && isMdmProfile(context, entry)) {
    const { device } = context.state
    device.installed.mdmProfile = { uuid: entry.uuid, at: context.now }
    saveDevice(context)
  }
}

/**
 * Whether a report acknowledges one of these commands, and the sender can know its CommandUUID only because
 * the earlier enrolment was given it.
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
    wasGivenOnlyTo(db, { uuid, epoch: state.device.contest?.earlier[0] ?? 0 })
  )
}

function isMdmProfile(
  context: Context,
  entry: Pick<PendingCommand, 'id' | 'requestType' | 'secret'>,
): boolean {
  if (entry.requestType !== 'InstallProfile') {
    return false
  }
  const row = readPayload(context.db, entry.id)
  return (
    row !== undefined &&
    row.source !== RENEWAL_SOURCE &&
    holdsMdmPayload(loadBody(context, 'payload', entry.id, row.payload, entry.secret))
  )
}

function holdsMdmPayload(command: Uint8Array): boolean {
  const content = tryToRead(() => {
    const profile = bytesAt(dictAt(asDict(readPlist(command)), 'Command') ?? {}, 'Payload')
    // Read as leniently as a device may read it, because the device decides.
    return profile && asDict(readPlist(signedContent(profile) ?? profile, 'device'))
  })
  // A profile that is encrypted for the device may contain anything.
  return (
    content !== undefined &&
    (content['EncryptedPayloadContent'] !== undefined ||
      dictsIn(content['PayloadContent']).some(isMdmPayload))
  )
}

function isMdmPayload(payload: PlistDict): boolean {
  return payload['PayloadType'] === 'com.apple.mdm'
}
