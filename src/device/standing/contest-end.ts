/** What ends a contest, and what becomes of the enrolments that were in it (docs/security.md, "Proof"). */
import { Buffer } from 'node:buffer'
import {
  endQueues,
  joinQueues,
  keepFromNext,
  pushWaiting,
  returnToEarlier,
} from './contest-commands.ts'
import {
  CONTEST_SPAN,
  isPresentProven,
  isTriedAgain,
  PUSH_SPAN,
  pushEarlier,
  resetChannel,
  UNPUSHED,
  type Contest,
} from './contest.ts'
import type { Context } from '../store/context.ts'
import { changed } from './directory-row.ts'
import {
  dropEarlier,
  keepEarlier,
  readEarlier,
  type Earlier,
  type KeptChannel,
} from '../store/earlier.ts'
import { proveEscrow, reviveEscrow } from '../store/escrow/tokens.ts'
import { forRequest } from '../../request-id.ts'
import { changeEpoch, FROZEN, saveIdentity, type Identity } from '../store/identity-row.ts'
import { addChannel, everyChannel, recalledChannel } from '../store/channels.ts'
import { recordSettled } from '../enrolment/message-events.ts'
import { PROOFS, type Proof } from '../store/proof.ts'
import { saveChannel, saveDevice, type Channel, type DeviceRow } from '../store/state.ts'

/** When the alarm has to look at the contest next; undefined without one. */
export function contestDueAt({ state }: Context): number | undefined {
  const { contest } = state.device
  return contest && Math.min(contest.until, contest.pushedAt + PUSH_SPAN)
}

/** What time alone decides: the new enrolment counts as proven, or the earlier identities are pushed again. */
export function passTime(context: Context): void {
  const { contest } = context.state.device
  if (contest && context.now >= contest.until) {
    // Time has caused it, and not the request that finds it out.
    forRequest(undefined, () => {
      passUntil(context, contest)
    })
  } else if (contest && context.now >= contest.pushedAt + PUSH_SPAN) {
    pushEarlier(context)
  }
}

/** One that never came to its TokenUpdate has left; another counts as proven. */
function passUntil(context: Context, contest: Contest): void {
  const isUnfinished = context.state.device.state === 'authenticated' && !isTriedAgain(context)
  if (isUnfinished && !isPresentProven(context)) {
    settle(context, 'left', contest.earlier.at(-1))
  } else {
    settle(context, 'time')
  }
}

/** A contested enrolment whose last certificate an admin revoked has left. */
export function leaveIfEmpty(context: Context): void {
  const { device, identities } = context.state
  if (!identities.some(({ epoch }) => epoch === device.epoch)) {
    settle(context, 'left', device.contest?.earlier.at(-1))
  }
}

/** The device leaves, or an admin retires it, while it is open which enrolment it is: those without proof win nothing by that. */
export function endUndecided(context: Context): void {
  settle(context, isPresentProven(context) ? 'admin_renewal' : 'admin_earlier')
}

/** An admin names a certificate as the device's that is neither kept nor served: it goes on in place of what is served. */
export function replacePresent(context: Context): void {
  const { device } = context.state
  if (!device.contest) {
    return
  }
  moveIdentities(context, device.epoch, () => false, device.epoch)
  for (const channel of everyChannel(context)) {
    resetChannel(context, channel, channel.claim)
  }
  settle(context, 'admin')
}

/** The present enrolment is no renewal. One that is not proven is contested still. */
export function denyRenewal(context: Context, current: Identity): void {
  const { device } = context.state
  if (device.contest && current.proof === '') {
    device.contest = { ...device.contest, renewal: [] }
    saveDevice(context.db, device)
  } else {
    settle(context, 'time')
  }
}

/**
 * Ends the contest by a proof, but for the sign of life of one that is not proven itself: that is served, and the contest goes on.
 * `epoch`: which of the kept enrolments comes back; the one that was there first otherwise.
 * @returns false when there is no contest.
 */
export function settle(context: Context, proof: Proof, epoch?: number): boolean {
  const { device } = context.state
  const { contest } = device
  if (!contest) {
    return false
  }
  const { earlier, destructive } = PROOFS[proof]
  const kept = readEarlier(context, epoch ?? contest.earlier[0] ?? 0)
  if (earlier === 'over') {
    provePresent(context, proof)
    endEarlier(context)
  } else if (!kept) {
    return false
  } else if (earlier === 'renewed') {
    join(context, kept, { proof, destructive })
  } else if (kept.proven) {
    returnTo(context, kept)
  } else {
    serveInstead(context, kept, { isLeft: proof === 'left' })
  }
  if (!device.contest) {
    recordSettled(context, proof)
  }
  changed(context)
  return true
}

function provePresent(context: Context, proof: Proof): void {
  const { state, db } = context
  proveEscrow(context)
  for (const identity of state.identities) {
    if (identity.epoch === state.device.epoch && identity.proof === '') {
      identity.proof = proof
      saveIdentity(db, identity)
    }
  }
}

/** Everything older is over, but for commands that an admin has to look at. */
export function endEarlier(context: Context): void {
  const { state, db } = context
  if (!state.device.contest) {
    return
  }
  endQueues(context)
  for (const channel of everyChannel(context)) {
    if (!channel.enabled && channel.claim !== 'none') {
      channel.claim = 'none'
      saveChannel(db, channel)
    }
  }
  dropEarlier(db, state.device.contest.earlier)
  state.device.contest = undefined
  saveDevice(db, state.device)
  pushWaiting(context)
}

/** The enrolment that was there is the device: all others lose. */
function returnTo(context: Context, kept: Earlier): void {
  moveIdentities(context, kept.epoch, (identity) => identity.proof !== '')
  returnToEarlier(context, kept.parkedAt)
  reviveEscrow(context, { archivedAt: kept.parkedAt, keepsNewer: false })
  takeBack(context, kept)
  endContest(context, kept.device)
}

/** The new enrolment and the one that was there are one device. */
function join(
  context: Context,
  kept: Earlier,
  { proof, destructive }: { readonly proof: Proof; readonly destructive: 'held' | 'go on' },
): void {
  const { device } = context.state
  const { facts, type, claimedAt } = device
  provePresent(context, proof)
  moveIdentities(context, kept.epoch, (identity) => identity.epoch === device.epoch)
  joinQueues(context, destructive)
  reviveEscrow(context, { archivedAt: kept.parkedAt, keepsNewer: true })
  takeBack(context, kept, (channel) => channel.token !== null)
  // What the profile before said is over; when it was renewed last is not.
  const installed = { ...device.installed, renewal: kept.device.installed.renewal }
  endContest(context, { ...kept.device, facts, type, claimedAt, installed, state: 'enrolled' })
}

function endContest(context: Context, as: Partial<DeviceRow>): void {
  const { state, db } = context
  dropEarlier(db, state.device.contest?.earlier ?? [])
  const epoch = state.device.contest?.earlier[0] ?? state.device.epoch
  Object.assign(state.device, as, { epoch, contest: undefined })
  saveDevice(db, state.device)
  proveEscrow(context)
  pushWaiting(context)
}

/** One without proof shows that it is alive, or another leaves: it is served, and neither has won. */
function serveInstead(
  context: Context,
  kept: Earlier,
  { isLeft }: { readonly isLeft: boolean },
): void {
  const { state, db, now } = context
  const { device } = state
  if (isLeft) {
    moveIdentities(context, kept.epoch, () => false, device.epoch)
  } else {
    keepEarlier(context)
  }
  keepFromNext(context)
  reviveEscrow(context, { archivedAt: kept.parkedAt, keepsNewer: false })
  takeBack(context, kept)
  dropEarlier(db, [kept.epoch])
  const others = (device.contest?.earlier ?? []).filter((epoch) => epoch !== kept.epoch)
  const earlier = isLeft ? others : [...others, device.epoch]
  const pushedAt = device.contest?.pushedAt ?? 0
  const { since, renewal } = kept
  const contest = { since, until: now + CONTEST_SPAN, earlier, renewal, pushedAt }
  Object.assign(device, kept.device, { epoch: kept.epoch, contest })
  saveDevice(db, device)
  pushWaiting(context)
}

/** Identities of enrolments that came after go on in this one, or are frozen; only those of one epoch, if it is named. */
function moveIdentities(
  context: Context,
  epoch: number,
  goesOn: (identity: Identity) => boolean,
  only?: number,
): void {
  const { state, db, now } = context
  const later = state.identities.filter((identity) =>
    only === undefined ? identity.epoch > epoch : identity.epoch === only,
  )
  for (const { identity, isOn } of later.map((one) => ({ identity: one, isOn: goesOn(one) }))) {
    const step = { at: now, what: isOn ? ('renewed' as const) : ('frozen' as const) }
    changeEpoch(identity, isOn ? epoch : FROZEN, step)
    saveIdentity(db, identity)
  }
}

/** The channels as the kept enrolment had them, but for those that have something newer. */
function takeBack(
  context: Context,
  kept: Earlier,
  isNewer: (channel: Channel) => boolean = () => false,
): void {
  const users = new Set(kept.channels.map(({ user }) => user))
  for (const channel of everyChannel(context)) {
    if (!users.has(channel.user) && !isNewer(channel)) {
      resetChannel(context, Object.assign(channel, { usedAt: 0 }), 'none')
    }
  }
  for (const one of kept.channels) {
    const channel = recalledChannel(context, one.user) ?? addChannel(context, one.user)
    saveChannel(context.db, isNewer(channel) ? channel : restored(channel, one))
  }
}

function restored(channel: Channel, { token, ...rest }: KeptChannel): Channel {
  const bytes = token === '' ? null : new Uint8Array(Buffer.from(token, 'base64'))
  // A user may have made a claim meanwhile: that stays.
  return Object.assign(channel, rest, UNPUSHED, { token: bytes })
}
