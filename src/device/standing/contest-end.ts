/** How a contest ends, and what the end means for its enrolments (docs/architecture.md §18). */
import { Buffer } from 'node:buffer'
import { ENROLLMENT_SETTLED } from '../../events/topics.ts'
import { forRequest } from '../../request-id.ts'
import { recordOwnEvent } from '../outbox/record.ts'
import { saveChannel, saveDevice } from '../store/rows/save.ts'
import type { Channel } from '../store/channel-row.ts'
import { addChannel, everyChannel, recalledChannel } from '../store/channels.ts'
import type { Context } from '../store/context.ts'
import { isUnproven, type Contest, type DeviceRow } from '../store/rows/device.ts'
import {
  dropEarlier,
  keepEarlier,
  readEarlier,
  type Earlier,
  type KeptChannel,
} from '../store/earlier.ts'
import { proveEscrow, reviveEscrow } from '../store/escrow/tokens.ts'
import { changeEpoch, FROZEN_EPOCH, type Identity } from '../store/rows/identity.ts'
import { PROOFS, type Proof } from '../store/proof.ts'
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
} from './contest.ts'
import { noteChange } from './directory-row.ts'
import { restoreReplaced, vouchForMoved } from './replaced.ts'

/** When the alarm has to check the contest next; undefined without one. */
export function contestDueAt({ state }: Context): number | undefined {
  const { contest } = state.device
  return contest && Math.min(contest.until, contest.pushedAt + PUSH_SPAN)
}

/** Applies what is due: the new enrolment counts as proven, or the earlier identities are pushed again. */
export function advanceContest(context: Context): void {
  const { contest } = context.state.device
  if (contest && context.now >= contest.until) {
    // Time causes this end, not the request that happens to run.
    forRequest(undefined, () => {
      endInTime(context, contest)
    })
  } else if (contest && context.now >= contest.pushedAt + PUSH_SPAN) {
    pushEarlier(context)
  }
}

/** An enrolment that never sent its TokenUpdate has left; any other counts as proven. */
function endInTime(context: Context, contest: Contest): void {
  const isUnfinished = context.state.device.state === 'authenticated' && !isTriedAgain(context)
  if (isUnfinished && !isPresentProven(context)) {
    settleContest(context, 'left', contest.earlier.at(-1))
  } else {
    settleContest(context, 'time')
  }
}

/** A contested or unproven enrolment leaves when an admin revokes its last certificate. */
export function leaveIfEmpty(context: Context): void {
  const { device, identities } = context.state
  if (!identities.some(({ epoch }) => epoch === device.epoch)) {
    if (!settleContest(context, 'left', device.contest?.earlier.at(-1))) {
      restoreReplaced(context)
    }
  }
}

/**
 * The device leaves, or an admin retires it, during a contest. An unproven enrolment must not win by this.
 */
export function endUndecided(context: Context): void {
  settleContest(context, isPresentProven(context) ? 'admin_renewal' : 'admin_earlier')
}

/**
 * An admin reinstates a certificate that belongs neither to the served enrolment nor to a kept one. It
 * replaces the served enrolment.
 */
export function replacePresent(context: Context): void {
  const { device } = context.state
  if (!device.contest) {
    return
  }
  moveIdentities(context, device.epoch, () => false, device.epoch)
  for (const channel of everyChannel(context)) {
    resetChannel(context, channel, channel.claim)
  }
  settleContest(context, 'admin')
}

/** The present enrolment is no renewal. If it is not proven, the contest goes on. */
export function denyRenewal(context: Context, current: Identity): void {
  const { device } = context.state
  if (device.contest && current.proof === '') {
    device.contest = { ...device.contest, renewal: [] }
    saveDevice(context)
  } else {
    settleContest(context, 'time')
  }
}

/**
 * Ends the contest by a proof. If an enrolment that is not proven shows that it is alive, it is served, and
 * the contest goes on. `epoch`: the kept enrolment that comes back; by default the first one.
 * @returns false when there is no contest.
 */
export function settleContest(context: Context, proof: Proof, epoch?: number): boolean {
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
  noteChange(context)
  return true
}

export function provePresent(context: Context, proof: Proof): void {
  const { state } = context
  vouchForMoved(context)
  proveEscrow(context)
  for (const identity of state.identities) {
    if (identity.epoch === state.device.epoch && identity.proof === '') {
      identity.proof = proof
      saveDevice(context)
    }
  }
}

/** All earlier enrolments are over. Only their destructive commands stay, held for an admin. */
export function endEarlier(context: Context): void {
  const { state } = context
  if (!state.device.contest) {
    return
  }
  endQueues(context)
  for (const channel of everyChannel(context)) {
    if (!channel.enabled && channel.claim !== 'none') {
      channel.claim = 'none'
      saveChannel(context, channel)
    }
  }
  dropEarlier(context, state.device.contest.earlier)
  state.device.contest = undefined
  saveDevice(context)
  pushWaiting(context)
}

/** The first enrolment is the device: all others lose. */
function returnTo(context: Context, kept: Earlier): void {
  const { state } = context
  moveIdentities(context, kept.epoch, (identity) => identity.proof !== '')
  returnToEarlier(context, kept.parkedAt)
  reviveEscrow(context, { archivedAt: kept.parkedAt, keepsNewer: false })
  takeBack(context, kept)
  endContest(context, kept.device)
  if (!state.identities.some(({ epoch }) => epoch === kept.epoch)) {
    restoreReplaced(context)
  }
}

/** The new enrolment and the first one are one device. */
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
  // The profile is the new one's. The time of the last renewal stays.
  const installed = { ...device.installed, renewal: kept.device.installed.renewal }
  endContest(context, { ...kept.device, facts, type, claimedAt, installed, state: 'enrolled' })
}

function endContest(context: Context, as: Partial<DeviceRow>): void {
  const { state } = context
  dropEarlier(context, state.device.contest?.earlier ?? [])
  const epoch = state.device.contest?.earlier[0] ?? state.device.epoch
  Object.assign(state.device, as, { epoch, contest: undefined })
  saveDevice(context)
  if (!isUnproven(state.device)) {
    proveEscrow(context)
  }
  pushWaiting(context)
}

/**
 * Serves another enrolment that is not proven: it has shown that it is alive, or the served one has left. The
 * contest goes on.
 */
function serveInstead(
  context: Context,
  kept: Earlier,
  { isLeft }: { readonly isLeft: boolean },
): void {
  const { state, now } = context
  const { device } = state
  if (isLeft) {
    moveIdentities(context, kept.epoch, () => false, device.epoch)
  } else {
    keepEarlier(context)
  }
  keepFromNext(context)
  reviveEscrow(context, { archivedAt: kept.parkedAt, keepsNewer: false })
  takeBack(context, kept)
  dropEarlier(context, [kept.epoch])
  const others = (device.contest?.earlier ?? []).filter((epoch) => epoch !== kept.epoch)
  const earlier = isLeft ? others : [...others, device.epoch]
  const pushedAt = device.contest?.pushedAt ?? 0
  const { since, renewal } = kept
  const contest = { since, until: now + CONTEST_SPAN, earlier, renewal, pushedAt }
  Object.assign(device, kept.device, { epoch: kept.epoch, contest })
  saveDevice(context)
  pushWaiting(context)
}

/** Moves identities of later enrolments, or of one epoch, to this enrolment, or freezes them. */
function moveIdentities(
  context: Context,
  epoch: number,
  goesOn: (identity: Identity) => boolean,
  only?: number,
): void {
  const { state, now } = context
  const later = state.identities.filter((identity) =>
    only === undefined ? identity.epoch > epoch : identity.epoch === only,
  )
  for (const { identity, isOn } of later.map((one) => ({ identity: one, isOn: goesOn(one) }))) {
    const step = { at: now, what: isOn ? ('renewed' as const) : ('frozen' as const) }
    changeEpoch(identity, isOn ? epoch : FROZEN_EPOCH, step)
    saveDevice(context)
  }
}

/** Restores the channels of a kept enrolment, except those that are newer. */
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
    saveChannel(context, isNewer(channel) ? channel : restored(channel, one))
  }
}

function restored(channel: Channel, { token, ...rest }: KeptChannel): Channel {
  const bytes = token === '' ? null : new Uint8Array(Buffer.from(token, 'base64'))
  // A claim that a user made meanwhile stays.
  return Object.assign(channel, rest, UNPUSHED, { token: bytes })
}

function recordSettled(context: Context, proof: Proof): void {
  const { name, now, effects, state } = context
  const enrollment = { type: state.device.type, device: name, user: '' }
  recordOwnEvent(context, {
    id: `${name}/settled/${now}`,
    topic: ENROLLMENT_SETTLED,
    about: { enrollment, params: {}, proof },
  })
  effects.notes.push({ event: 'mdm:contest-settled', device: name, proof })
}
