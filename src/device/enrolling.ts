import type { InstalledProfile } from '../enroll/installed-profile.ts'
import type { CheckIn } from '../mdm/message.ts'
import { isUnanswered } from '../mdm/queue.ts'
import { PlistError } from '../plist/error.ts'
import { readPlist } from '../plist/read.ts'
import { asDict, dictAt, bytesAt, stringAt } from '../plist/dict.ts'
import type { PlistValue } from '../plist/value.ts'
import { signedContent } from '../pki/cms.ts'
import { loadBody } from './bodies.ts'
import type { Context } from './context.ts'
import { archiveEscrow } from './escrow.ts'
import { accept, bind, type Claim } from './identity.ts'
import { changed } from './directory-row.ts'
import { noteArrival } from './held.ts'
import { queueOf } from './queue-memory.ts'
import { giveUp } from './queue-view.ts'
import { keepProfile, newEnrollment, RENEWAL_SOURCE } from './renewing.ts'
import type { Identity } from './identity-row.ts'
import { saveChannel } from './state.ts'

type Authenticate = Extract<CheckIn, { messageType: 'Authenticate' }>

/** How long after a renewal profile was handed out an Authenticate still counts as its answer. */
const RENEWAL_WINDOW = 3_600_000

export interface Presented {
  readonly fingerprint: string
  /** The known identity, if this object has it. */
  readonly identity: Identity | undefined
  /** What the Worker found out about a new one. */
  readonly claim: Claim | undefined
  /** The enrolment profile that a new one came with, if it was made here. */
  readonly profile: InstalledProfile | undefined
}

/**
 * Authenticate begins an enrolment: everything older is over, on the device and on its users, in one commit.
 * Unless it is a renewal (apple-protocol §3.3), as its certificate or a profile on its way tells, or a repeat of an
 * Authenticate whose answer was lost: what an admin queued in between belongs to the new enrolment already. What
 * was queued before the device's very first message stays too.
 * @returns whether it is a renewal.
 */
export function authenticate(context: Context, message: Authenticate, who: Presented): boolean {
  const { state, now } = context
  const { device } = state
  const first = device.state === 'unknown'
  if (first) {
    noteArrival(context, who.claim?.namesakes)
  }
  const renewal = isRenewal(context, message, who)
  const repeated = device.state === 'authenticated' && who.identity?.epoch === device.epoch
  if (!renewal && !repeated) {
    endEnrollment(context, Infinity)
    device.state = 'authenticated'
    device.epoch += 1
    newEnrollment(context, who.fingerprint, who.profile)
  } else {
    keepProfile(context, who.profile)
  }
  Object.assign(device, {
    type: message.enrollment.type,
    facts: message.facts,
    hidden: false,
    claimedAt: now,
    renewedAt: renewal ? now : 0,
  })
  changed(context)
  if (first) {
    // The claim has listed it with the same facts. Its TokenUpdate tells the rest, or the alarm does.
    context.effects.news.directory = false
  }
  if (who.identity) {
    accept(context, who.identity)
  } else if (who.claim) {
    bind(context, who.fingerprint, who.claim, renewal ? 'renewed' : 'bound')
  }
  return renewal
}

/**
 * A TokenUpdate that asks for configuration after what looked like a renewal: the device was set up anew.
 * Everything from before that Authenticate is over after all, its identities included.
 */
export function unmaskRenewal(context: Context, current: Identity): void {
  const { device } = context.state
  endEnrollment(context, device.renewedAt)
  device.epoch += 1
  accept(context, current)
  device.renewedAt = 0
  device.state = 'authenticated'
}

function endEnrollment(context: Context, queuedUntil: number): void {
  const { state, now } = context
  if (state.device.state === 'unknown') {
    return
  }
  // What was queued for an id waits for the device that comes to the end of a first enrolment with it.
  const isFirst = state.device.epoch === 1 && state.device.state === 'authenticated'
  for (const channel of state.channels) {
    if (!isFirst) {
      giveUp(context, channel, 'superseded', { queuedUntil })
    }
    Object.assign(channel, {
      enabled: false,
      token: null,
      magic: '',
      tally: 0,
      awaitingConfiguration: false,
      claim: 'none',
      flag: '',
      declarations: [],
    })
    saveChannel(context.db, channel)
  }
  archiveEscrow(context.db, now)
}

function isRenewal(context: Context, message: Authenticate, who: Presented): boolean {
  const { device, identities } = context.state
  const presented = who.identity ?? who.claim
  return (
    device.state === 'enrolled' &&
    presented !== undefined &&
    // A device that was adopted never told its serial number.
    ['', message.facts.SerialNumber].includes(device.facts.SerialNumber) &&
    (device.installed.successors.includes(who.fingerprint) ||
      (identities.some(
        (known) =>
          known.epoch === device.epoch &&
          known.caKey === presented.caKey &&
          known.subject === presented.subject,
      ) &&
        renewalIsOut(context)))
  )
}

/**
 * Whether an InstallProfile with an MDM payload is out on the device channel, unanswered and fresh. Ours does not
 * count: what it leads to is told by its certificate, and by nothing that a wiped device could have too.
 */
function renewalIsOut(context: Context): boolean {
  const [channel] = context.state.channels
  return (
    channel !== undefined &&
    queueOf(context, channel).pending.some((entry) => {
      if (
        entry.requestType !== 'InstallProfile' ||
        !isUnanswered(entry) ||
        entry.handedOutAt <= context.now - RENEWAL_WINDOW
      ) {
        return false
      }
      const [row] = context.db.all<{
        source: string
        payload: ArrayBuffer | Uint8Array | null
      }>('SELECT source, payload FROM commands WHERE id = ?', entry.id)
      return (
        row?.source !== RENEWAL_SOURCE &&
        holdsMdmPayload(loadBody(context, 'payload', entry.id, row?.payload ?? null, entry.secret))
      )
    })
  )
}

function holdsMdmPayload(command: Uint8Array): boolean {
  try {
    const profile = bytesAt(dictAt(asDict(readPlist(command)), 'Command') ?? {}, 'Payload')
    if (!profile) {
      return false
    }
    const content = asDict(readPlist(signedContent(profile) ?? profile))['PayloadContent']
    return Array.isArray(content) && content.some(isMdmPayload)
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
