import type { InstalledProfile } from '../../enroll/installed-profile.ts'
import type { CheckIn } from '../../mdm/message.ts'
import type { Context } from '../store/context.ts'
import {
  beginContest,
  isPresentProven,
  isTriedAgain,
  nextEpoch,
  resetChannel,
} from '../standing/contest.ts'
import { denyRenewal, endEarlier, settleContest } from '../standing/contest-end.ts'
import { vouchForMoved } from '../standing/replaced.ts'
import { established } from '../store/earlier.ts'
import { archiveEscrow } from '../store/escrow/tokens.ts'
import { acceptIdentity, bindIdentity, type Claim } from './identity.ts'
import { leaveListed, noteChange } from '../standing/directory-row.ts'
import { noteArrival } from './arrival.ts'
import { mdmProfilesOut } from '../queue/mdm-profile.ts'
import type { Proof } from '../store/proof.ts'
import { everyChannel } from '../store/channels.ts'
import { supersedeCommands } from '../queue/cancel.ts'
import { keepProfile, newEnrollment } from './renewal.ts'
import type { DeviceRow } from '../store/rows/device.ts'
import type { Identity } from '../store/rows/identity.ts'
import { claimsSerial, isSerialProven } from '../standing/serial-claim.ts'

type Authenticate = Extract<CheckIn, { messageType: 'Authenticate' }>

export interface Presented {
  readonly fingerprint: string
  /** The known identity, if this object has it. */
  readonly identity: Identity | undefined
  /** The claim that the Worker made for a new one. */
  readonly claim: Claim | undefined
  /** The enrolment profile that a new one came with, if this server made it. */
  readonly profile: InstalledProfile | undefined
  /** Digest of the message as it was signed; empty when a proxy authenticates the sender. */
  readonly digest: string
}

/** The meaning of an Authenticate, by the evidence that comes with it. */
type Beginning =
  /**
   * The device repeats its Authenticate, because the answer was lost. Commands that were queued meanwhile
   * belong to the enrolment.
   */
  | { readonly kind: 'repeated' }
  | { readonly kind: 'renewal' }
  /** All earlier enrolments are over. */
  | { readonly kind: 'new'; readonly proof: Proof | '' }
  /** No enrolment is over: the earlier one is kept beside the new one. */
  | { readonly kind: 'contested'; readonly renewal: readonly string[]; readonly isProven: boolean }

/**
 * Authenticate begins an enrolment, or renews the present one. An unproven identity ends no enrolment.
 * @returns additions to the event about it.
 */
export function authenticate(
  context: Context,
  message: Authenticate,
  who: Presented,
): { readonly renewal?: true; readonly contested?: number } {
  const { state, now } = context
  const { device } = state
  const isFirst = device.state === 'unknown'
  if (isFirst) {
    noteArrival(context, who.claim?.namesakes)
  }
  const isClaimed = claimsSerial(device) && device.facts.SerialNumber === message.facts.SerialNumber
  const beginning = judge(context, message, who)
  const renewal = beginning.kind === 'renewal'
  begin(context, beginning, who)
  Object.assign(device, {
    type: message.enrollment.type,
    facts: message.facts,
    hidden: false,
    claimedAt: isClaimed ? device.claimedAt : now,
    renewedAt: renewal ? now : 0,
  })
  noteChange(context)
  const proof = proofOf(beginning, who)
  if (who.identity) {
    acceptIdentity(context, who.identity, { proof, digest: who.digest })
  } else if (who.claim) {
    const what = renewal ? 'renewed' : 'bound'
    bindIdentity(context, who.fingerprint, who.claim, { what, proof, digest: who.digest })
    // The message shows no proof of its serial number.
    if (isFirst && who.claim.isListed && !isSerialProven(state)) {
      leaveListed(context)
    }
  }
  return {
    ...(renewal ? { renewal } : {}),
    ...(beginning.kind === 'contested' && device.contest
      ? { contested: device.contest.until }
      : {}),
  }
}

function begin(context: Context, beginning: Beginning, who: Presented): void {
  const { device } = context.state
  switch (beginning.kind) {
    case 'repeated':
    case 'renewal':
      keepProfile(context, who.profile)
      return
    case 'new':
      endEnrollment(context, Infinity)
      break
    case 'contested':
      if (device.contest && isPresentProven(context)) {
        // Another enrolment begins, so the question of the contest is answered: the present one is a renewal,
        // and keeps its commands.
        settleContest(context, 'profile')
      }
      beginContest(context, beginning)
      break
  }
  device.state = 'authenticated'
  device.epoch = nextEpoch(context)
  newEnrollment(context, who.fingerprint, who.profile)
}

/** The proof of the identity from now on; the same as before if the message proves nothing. */
function proofOf(beginning: Beginning, { identity }: Presented): Proof | '' {
  switch (beginning.kind) {
    case 'repeated':
      return identity?.proof ?? ''
    case 'renewal':
      return 'renewal'
    case 'new':
      return beginning.proof
    case 'contested':
      return beginning.isProven ? (identity?.proof ?? '') : ''
  }
}

function judge(context: Context, message: Authenticate, who: Presented): Beginning {
  const { device } = context.state
  const present = who.identity?.epoch === device.epoch ? who.identity : undefined
  const isBound = isBoundHere(context, message, who.claim?.bound)
  if (isFree(device) && !isBound) {
    return { kind: 'new', proof: present?.proof || 'first' }
  }
  if (present && isRepetition(device, present)) {
    return { kind: 'repeated' }
  }
  const mayRenew = established(context).state === 'enrolled' && isSameSerial(context, message)
  if (mayRenew && isSuccessor(context, who)) {
    return { kind: 'renewal' }
  }
  if (isBound) {
    return { kind: 'new', proof: 'challenge' }
  }
  return judgeByProfiles(context, present, mayRenew)
}

/** It ends nothing that another server knew of the device. */
function isDoubtful({ moved }: DeviceRow, present: Identity | undefined): boolean {
  return present?.proof === '' && moved?.unproven === true
}

/** There is no enrolment that an Authenticate could end. */
function isFree({ state }: DeviceRow): boolean {
  return state === 'unknown' || state === 'checked_out'
}

/**
 * The enrolment has just begun, or is contested: a second Authenticate of the same identity begins no other.
 * Nor does one of an identity that moved here, which may have been captured at the other server. A device
 * that is set up again has lost that key.
 */
function isRepetition({ state, contest }: DeviceRow, { proof }: Identity): boolean {
  return state === 'authenticated' || contest !== undefined || proof === 'moved'
}

function judgeByProfiles(
  context: Context,
  present: Identity | undefined,
  mayRenew: boolean,
): Beginning {
  if (isDoubtful(context.state.device, present)) {
    return { kind: 'contested', renewal: [], isProven: false }
  }
  const renewal = mayRenew ? mdmProfilesOut(context) : []
  return present && renewal.length === 0
    ? { kind: 'new', proof: present.proof }
    : { kind: 'contested', renewal, isProven: present !== undefined }
}

/** Whether its challenge was bound to this id, or to the serial number that the device of this id has. */
function isBoundHere(context: Context, { facts }: Authenticate, bound: Claim['bound']): boolean {
  const known = established(context).facts.SerialNumber
  return bound?.udid === true || (bound?.serial === true && known === facts.SerialNumber)
}

/** An unknown serial number matches every other: adopted devices have never reported one. */
function isSameSerial(context: Context, { facts }: Authenticate): boolean {
  const known = established(context).facts.SerialNumber
  return known === '' || facts.SerialNumber === '' || known === facts.SerialNumber
}

/** Issued for a challenge that was sent to this enrolment. */
function isSuccessor({ state }: Context, who: Presented): boolean {
  return state.device.installed.successors.includes(who.fingerprint)
}

/**
 * A TokenUpdate waits for configuration, but its Authenticate looked like a renewal: the device was set up
 * again. So the earlier enrolment is over, with its identities.
 */
export function unmaskRenewal(context: Context, current: Identity): void {
  const { device } = context.state
  if (device.contest) {
    denyRenewal(context, current)
    return
  }
  endEnrollment(context, device.renewedAt)
  device.epoch = nextEpoch(context)
  acceptIdentity(context, current, { proof: current.proof, digest: '' })
  device.renewedAt = 0
  device.state = 'authenticated'
}

function endEnrollment(context: Context, queuedUntil: number): void {
  const { state } = context
  if (state.device.state === 'unknown') {
    return
  }
  vouchForMoved(context)
  // Commands for an id wait for the device that completes an enrolment with it.
  const isFirst = isTriedAgain(context)
  endEarlier(context)
  for (const channel of everyChannel(context)) {
    if (!isFirst) {
      supersedeCommands(context, channel, { queuedUntil })
    }
    resetChannel(context, channel, 'none')
  }
  archiveEscrow(context)
}
