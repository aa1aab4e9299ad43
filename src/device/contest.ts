/**
 * An enrolment that is not proven beside the one that was there: the new one is served, and the earlier one is kept whole, so
 * that either can turn out to be the device (docs/security.md, "Proof"). Others that are not proven may come: each is kept, and
 * who shows a sign of life is served, until there is proof.
 */
import { Buffer } from 'node:buffer'
import {
  endQueues,
  joinQueues,
  keepForEarlier,
  keepFromNext,
  pushWaiting,
  returnToEarlier,
} from './contest-commands.ts'
import type { Context } from './context.ts'
import { changed } from './directory-row.ts'
import { dropEarlier, keepEarlier, readEarlier, type Earlier, type KeptChannel } from './earlier.ts'
import { archiveEscrow, proveEscrow, reviveEscrow } from './escrow.ts'
import { FROZEN, saveIdentity, type Identity } from './identity-row.ts'
import { addChannel, everyChannel, recalledChannel } from './parking.ts'
import { PROOFS, type Proof } from './proof.ts'
import { saveChannel, saveDevice, type Channel, type DeviceRow } from './state.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** So long the earlier identity may show that it is the device. */
const CONTEST_SPAN = 30 * DAY
/** The same where no enrolment ever came to its TokenUpdate: one that is tried again looks like that. */
const UNFINISHED_SPAN = HOUR
/** So long the new identity may show that it is a renewal. */
const RENEWAL_SPAN = DAY
/** Between its Authenticate and its TokenUpdate, a device that renews may speak with both identities so long. */
const CHANGING_SPAN = 5 * MINUTE
/** The earlier identity is pushed so often. */
const PUSH_SPAN = DAY
/** Who authenticates again and again makes us push no more often. */
const MIN_PUSH_SPAN = 15 * MINUTE
/** Enrolments that are kept. */
const MAX_EARLIER = 5

/** Times are milliseconds. */
export interface Contest {
  /** When the one that is served began to be, and when it counts as proven. */
  readonly since: number
  readonly until: number
  /** Epochs of the enrolments that are kept: the one that was there first, then others without proof. */
  readonly earlier: readonly number[]
  /** CommandUUIDs of profiles that the new identity may be the renewal by; empty when it is none. */
  readonly renewal: readonly string[]
  /** When the earlier identities were pushed last. */
  readonly pushedAt: number
}

/** A contest as an admin sees it. Times are milliseconds. */
export type ContestView = Pick<Contest, 'since' | 'until'> & { readonly undecided: boolean }

export function viewContest(context: Context): ContestView | undefined {
  const { contest } = context.state.device
  return contest && { since: contest.since, until: contest.until, undecided: isUndecided(context) }
}

/** Whether the present enrolment may still turn out to be a renewal. */
export function isUndecided({ state, now }: Context): boolean {
  const { contest } = state.device
  return contest !== undefined && contest.renewal.length > 0 && now < contest.since + RENEWAL_SPAN
}

/** Whether an enrolment that is kept may still turn out to be a renewal. */
export function renewalIsOpen({ now }: Context, { renewal, since, device }: Earlier): boolean {
  return renewal.length > 0 && now < since + RENEWAL_SPAN && device.state === 'enrolled'
}

/** Whether a device may be changing its identity just now, and speak with both. */
export function isChanging(context: Context): boolean {
  const { contest, state } = context.state.device
  return (
    contest !== undefined &&
    isUndecided(context) &&
    state !== 'enrolled' &&
    context.now < contest.since + CHANGING_SPAN
  )
}

/** An identity whose enrolment is kept, while that of another is contested. */
export function isKept({ state }: Context, { epoch }: Identity): boolean {
  return state.device.contest?.earlier.includes(epoch) === true
}

/** No epoch is given twice: that of an enrolment that lost stays with what it left. */
export function nextEpoch({ state }: Context): number {
  const { device, identities } = state
  const kept = device.contest?.earlier ?? []
  return Math.max(device.epoch, ...kept, ...identities.map(({ epoch }) => epoch)) + 1
}

/**
 * Keeps the present enrolment, and begins another beside it. `renewal`: profiles on their way that may have led to it.
 * `isProven`: it has the identity that was there, so that only renewal or new is open.
 */
export function beginContest(
  context: Context,
  { renewal, isProven }: { readonly renewal: readonly string[]; readonly isProven: boolean },
): void {
  const { state, now } = context
  const { device } = state
  if (device.contest && isPresentProven(context)) {
    // It was only open whether it is renewed or new. Another comes: it is the one that was there, and nothing of it is lost.
    settle(context, 'profile')
  }
  const isAgain = isTriedAgain(context)
  const isRival = device.contest !== undefined
  const span = isProven ? RENEWAL_SPAN : isAgain ? UNFINISHED_SPAN : CONTEST_SPAN
  keepEarlier(context)
  if (isAgain || device.contest) {
    // What was queued for an id waits for the device that comes to the end of an enrolment with it.
    keepFromNext(context)
  } else {
    keepForEarlier(context)
  }
  archiveEscrow(context)
  const pushedAt = device.contest?.pushedAt ?? state.keptPushedAt
  const earlier = [...(device.contest?.earlier ?? []), device.epoch]
  if (earlier.length > MAX_EARLIER) {
    dropOne(context, earlier)
  }
  if (isRival) {
    // Where it is alive, it need not wait until the others are pushed again.
    context.effects.push.add(-device.epoch)
  }
  device.contest = { since: now, until: now + span, earlier, renewal, pushedAt }
  for (const channel of everyChannel(context)) {
    // Its claim stays: an admin's bare UserID goes on leading here.
    resetChannel(context, channel, channel.claim)
  }
  if (!isProven && now - pushedAt >= MIN_PUSH_SPAN) {
    pushEarlier(context)
  }
}

/** Of those without proof one that never came to its TokenUpdate, else the one that was served longest ago. */
function dropOne(context: Context, earlier: number[]): void {
  const unfinished = earlier.findIndex(
    (epoch, place) => place > 0 && readEarlier(context, epoch)?.channels[0]?.token === '',
  )
  dropEarlier(context.db, earlier.splice(Math.max(unfinished, 1), 1))
}

function isPresentProven({ state }: Context): boolean {
  return state.identities.some(({ epoch, proof }) => epoch === state.device.epoch && proof !== '')
}

/** No enrolment with this id ever came to its TokenUpdate, and none has more than its word. */
export function isTriedAgain(context: Context): boolean {
  const { device, identities } = context.state
  const hasMore = identities.some(
    ({ epoch, proof }) => epoch === device.epoch && proof !== '' && proof !== 'first',
  )
  if (hasMore) {
    return false
  }
  const isUnfinished = (epoch: number) =>
    readEarlier(context, epoch)?.device.state === 'authenticated'
  return device.state === 'authenticated' && (device.contest?.earlier ?? []).every(isUnfinished)
}

/** A channel of an enrolment that is only beginning. */
export function resetChannel(context: Context, channel: Channel, claim: Channel['claim']): void {
  const { enabled, token, tally, declarations } = channel
  const isFresh = !enabled && token === null && tally === 0 && declarations.length === 0
  if (isFresh && channel.claim === claim && channel.pushAfter === 0) {
    return
  }
  Object.assign(channel, {
    enabled: false,
    token: null,
    magic: '',
    tally: 0,
    awaitingConfiguration: false,
    claim,
    declarations: [],
    ...UNPUSHED,
  })
  context.state.rung.delete(channel.id)
  saveChannel(context.db, channel)
}

/** What APNs said of another token. */
const UNPUSHED = { flag: '', flagEpoch: 0, pushedAt: 0, pushAfter: 0 }

/** One that is kept has come to its TokenUpdate: what counts is no more that an enrolment is tried again. */
export function extend(context: Context): void {
  const { device } = context.state
  if (device.contest) {
    const until = Math.max(device.contest.until, device.contest.since + CONTEST_SPAN)
    device.contest = { ...device.contest, until }
    saveDevice(context.db, device)
  }
}

/** Has the earlier identities pushed: which of them is the device shows when it comes. */
function pushEarlier(context: Context): void {
  const { device } = context.state
  if (device.contest) {
    context.state.keptPushedAt = context.now
    device.contest = { ...device.contest, pushedAt: context.now }
    saveDevice(context.db, device)
    for (const epoch of device.contest.earlier) {
      context.effects.push.add(-epoch)
    }
  }
}

/** When the alarm has to look at the contest next; undefined without one. */
export function contestDueAt({ state }: Context): number | undefined {
  const { contest } = state.device
  return contest && Math.min(contest.until, contest.pushedAt + PUSH_SPAN)
}

/** What time alone decides: the new enrolment counts as proven, or the earlier identities are pushed again. */
export function passTime(context: Context): void {
  const { contest } = context.state.device
  if (contest && context.now >= contest.until) {
    passUntil(context, contest)
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
  context.effects.notes.push({ event: 'mdm:contest-settled', device: context.name, proof })
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
  endContest(context, { ...kept.device, facts, type, claimedAt, state: 'enrolled' })
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
    identity.epoch = isOn ? epoch : FROZEN
    identity.history = [...identity.history, { at: now, what: isOn ? 'renewed' : 'frozen' }]
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
