/**
 * An enrolment that is not proven beside the one that was there: the new one is served, and the earlier one is kept whole, so
 * that either can turn out to be the device (docs/security.md, "Proof").
 */
import { Buffer } from 'node:buffer'
import { isDestructiveCommand } from '../commands/table.ts'
import type { Context } from './context.ts'
import { changed } from './directory-row.ts'
import { dropEarlier, keepEarlier, readEarlier, type Earlier, type KeptChannel } from './earlier.ts'
import { archiveEscrow, proveEscrow, reviveEscrow } from './escrow.ts'
import { FROZEN, saveIdentity, type Identity } from './identity-row.ts'
import { everyChannel } from './parking.ts'
import { PROOFS, type Proof } from './proof.ts'
import { queueOf } from './queue-memory.ts'
import { giveUp } from './queue-view.ts'
import { CHANNEL_SPAN } from './schema.ts'
import { saveChannel, saveDevice, type Channel } from './state.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** So long the earlier identity may show that it is the device. */
const CONTEST_SPAN = 30 * DAY
/** The same where the earlier enrolment never came to its TokenUpdate: an enrolment that is tried again looks like that. */
const UNFINISHED_SPAN = HOUR
/** So long the new identity may show that it is a renewal. */
const RENEWAL_SPAN = DAY
/** The earlier identity is pushed so often. */
const PUSH_SPAN = DAY
/** Who authenticates again and again makes us push no more often. */
const MIN_PUSH_SPAN = 900_000
/** Enrolments that are kept. The first and the last stay. */
const MAX_EARLIER = 5

/** Times are milliseconds. */
export interface Contest {
  /** When the new identity authenticated, and when it counts as proven. */
  readonly since: number
  readonly until: number
  /** Epochs of the enrolments that are kept, oldest first. */
  readonly earlier: readonly number[]
  /** CommandUUIDs of profiles that the new identity may be the renewal by; empty when it is none. */
  readonly renewal: readonly string[]
  /** When the earlier identities were pushed last. */
  readonly pushedAt: number
}

/** Whether the present enrolment may still turn out to be a renewal. */
export function isUndecided({ state, now }: Context): boolean {
  const { contest } = state.device
  return contest !== undefined && contest.renewal.length > 0 && now < contest.since + RENEWAL_SPAN
}

/** A contest as an admin sees it. Times are milliseconds. */
export type ContestView = Pick<Contest, 'since' | 'until'> & { readonly undecided: boolean }

export function viewContest(context: Context): ContestView | undefined {
  const { contest } = context.state.device
  return (
    contest && {
      since: contest.since,
      until: contest.until,
      undecided: isUndecided(context),
    }
  )
}

/** An identity whose enrolment is kept, while that of another is contested. */
export function isKept(context: Context, identity: Identity | undefined): identity is Identity {
  const { contest } = context.state.device
  return contest !== undefined && identity !== undefined && contest.earlier.includes(identity.epoch)
}

/** No epoch is given twice: that of an enrolment that lost stays with what it left. */
export function nextEpoch({ state }: Context): number {
  const { device, identities } = state
  return Math.max(device.epoch, ...identities.map(({ epoch }) => epoch)) + 1
}

/**
 * Keeps the present enrolment, and begins another beside it. `renewal`: profiles on their way that may have led to it.
 * `isProven`: it has the identity that was there, so that only renewal or new is open.
 */
export function beginContest(
  context: Context,
  { renewal, isProven }: { readonly renewal: readonly string[]; readonly isProven: boolean },
): void {
  const { state, db, now } = context
  const { device } = state
  const span = isProven ? RENEWAL_SPAN : isTriedAgain(context) ? UNFINISHED_SPAN : CONTEST_SPAN
  keepEarlier(context)
  // What was queued for an id waits for the device that comes to the end of a first enrolment with it.
  if (device.epoch > 1 || !isTriedAgain(context)) {
    db.run(
      `UPDATE commands SET state = 'held', held_for = 'earlier' WHERE state IN ('queued', 'sent', 'not_now', 'stalled')`,
    )
    state.queues.clear()
  }
  archiveEscrow(context)
  const pushedAt = device.contest?.pushedAt ?? 0
  const earlier = [...(device.contest?.earlier ?? []), device.epoch]
  if (earlier.length > MAX_EARLIER) {
    dropEarlier(db, earlier.splice(1, 1))
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

/** The enrolment that is there never came to its TokenUpdate, and there was none before it. */
function isTriedAgain({ state }: Context): boolean {
  return state.channels[0]?.token === null && state.device.contest === undefined
}

/** A channel of an enrolment that is only beginning. */
export function resetChannel(context: Context, channel: Channel, claim: Channel['claim']): void {
  Object.assign(channel, {
    enabled: false,
    token: null,
    magic: '',
    tally: 0,
    awaitingConfiguration: false,
    claim,
    flag: '',
    declarations: [],
  })
  saveChannel(context.db, channel)
}

/** Has the earlier identities pushed: which of them is the device shows when it comes. */
export function pushEarlier(context: Context): void {
  const { device } = context.state
  if (device.contest) {
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
    settle(context, 'time')
  } else if (contest && context.now >= contest.pushedAt + PUSH_SPAN) {
    pushEarlier(context)
  }
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
 * Ends the contest by a proof. `epoch`: which of the kept enrolments comes back, or goes on; the last one otherwise.
 * @returns false when there is no contest.
 */
export function settle(context: Context, proof: Proof, epoch?: number): boolean {
  const { device } = context.state
  const { contest } = device
  if (!contest) {
    return false
  }
  context.effects.notes.push({ event: 'mdm:contest-settled', device: context.name, proof })
  const { earlier, destructive } = PROOFS[proof]
  const kept = readEarlier(context.db, epoch ?? contest.earlier.at(-1) ?? 0)
  if (earlier === 'over' || !kept) {
    provePresent(context, proof)
    endEarlier(context)
  } else {
    const renewed = earlier === 'renewed'
    moveIdentities(context, kept.epoch, renewed ? proof : undefined)
    bringBack(context, kept, { renewed, destructive })
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
  const parked = db.all<{ id: number; requestType: string }>(
    "SELECT id, request_type AS requestType FROM commands WHERE state = 'held' AND held_for = 'earlier'",
  )
  const over = parked.filter(({ requestType }) => !isDestructiveCommand(requestType))
  for (const channel of everyChannel(context)) {
    const base = channel.id * CHANNEL_SPAN
    const numbers = over
      .map(({ id }) => id - base)
      .filter((number) => number > 0 && number < CHANNEL_SPAN)
    if (numbers.length > 0) {
      giveUp(context, channel, 'superseded', { numbers, held: true })
    }
    if (!channel.enabled && channel.claim !== 'none') {
      channel.claim = 'none'
      saveChannel(db, channel)
    }
  }
  db.run(
    "UPDATE commands SET state = 'queued', held_for = '' WHERE state = 'held' AND held_for = 'contest'",
  )
  dropEarlier(db, state.device.contest.earlier)
  state.device.contest = undefined
  resume(context)
}

/** Identities of enrolments that came after: they go on in this one, as its renewal or because they are proven, or are frozen. */
function moveIdentities(context: Context, epoch: number, proof: Proof | undefined): void {
  const { state, db, now } = context
  for (const identity of state.identities.filter((later) => later.epoch > epoch)) {
    const isRenewed = proof !== undefined && identity.epoch === state.device.epoch
    const goesOn = isRenewed || identity.proof !== ''
    identity.epoch = goesOn ? epoch : FROZEN
    identity.proof ||= (isRenewed && proof) || ''
    identity.history = [...identity.history, { at: now, what: goesOn ? 'renewed' : 'frozen' }]
    saveIdentity(db, identity)
  }
}

/** The kept enrolment is the present one again; what was queued meanwhile is for it. */
function bringBack(
  context: Context,
  kept: Earlier,
  how: { readonly renewed: boolean; readonly destructive: 'held' | 'go on' },
): void {
  const { state, db } = context
  const { device } = state
  const began = kept.contest?.since ?? 0
  // What the other enrolment was given, and did not answer, is given again.
  if (!how.renewed) {
    db.run(
      "UPDATE commands SET state = 'queued', rounds = 0, handed_out_at = 0 WHERE state IN ('sent', 'not_now', 'stalled')",
    )
  }
  release(context, began, how.destructive)
  reviveEscrow(context, { archivedAt: kept.parkedAt, keepsNewer: how.renewed })
  if (how.renewed) {
    const { facts, type, claimedAt } = device
    Object.assign(device, kept.device, { facts, type, claimedAt, state: 'enrolled' })
  } else {
    Object.assign(device, kept.device)
  }
  device.epoch = kept.epoch
  dropEarlier(db, device.contest?.earlier.filter((epoch) => epoch >= kept.epoch) ?? [])
  device.contest = kept.contest
  if (!kept.contest) {
    proveEscrow(context)
  }
  for (const channel of everyChannel(context)) {
    bringBackChannel(context, channel, kept.channels[channel.id], how.renewed)
  }
  resume(context)
}

/** Of commands that were queued before a moment, held ones stay: they were for an enrolment that is kept still. */
function release(context: Context, since: number, destructive: 'held' | 'go on'): void {
  const { db } = context
  const rows = db.all<{ id: number; requestType: string; heldFor: string }>(
    `SELECT id, request_type AS requestType, held_for AS heldFor FROM commands
      WHERE state = 'held' AND (held_for = 'contest' OR held_for = 'earlier' AND queued_at >= ?)`,
    since,
  )
  const ids = rows
    .filter(
      ({ requestType, heldFor }) =>
        heldFor === 'contest' || destructive === 'go on' || !isDestructiveCommand(requestType),
    )
    .map(({ id }) => id)
  db.run(
    `UPDATE commands SET held_for = '', state = CASE WHEN handed_out_at = 0 THEN 'queued'
      WHEN not_now_at >= handed_out_at THEN 'not_now' ELSE 'sent' END
      WHERE id IN (SELECT value FROM json_each(?))`,
    JSON.stringify(ids),
  )
}

function bringBackChannel(
  context: Context,
  channel: Channel,
  kept: KeptChannel | undefined,
  renewed: boolean,
): void {
  if (renewed && channel.token !== null) {
    channel.declarations = kept?.declarations ?? []
    saveChannel(context.db, channel)
  } else if (kept) {
    const { token, ...rest } = kept
    const bytes = token === '' ? null : new Uint8Array(Buffer.from(token, 'base64'))
    // A user may have made a claim meanwhile: that stays.
    saveChannel(context.db, Object.assign(channel, rest, { token: bytes, flag: '' }))
  } else if (!renewed) {
    resetChannel(context, channel, 'none')
  }
}

/** Reads the queues anew, and pushes channels in which something waits. */
function resume(context: Context): void {
  const { state } = context
  state.queues.clear()
  saveDevice(context.db, state.device)
  for (const channel of state.channels) {
    if (channel.token !== null && queueOf(context, channel).pending.length > 0) {
      context.effects.push.add(channel.id)
    }
  }
}
