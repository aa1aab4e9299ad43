/**
 * A contest: an enrolment that is not proven, beside an earlier one. The new one is served, and the earlier
 * one is kept complete, so that either can turn out to be the device (docs/architecture.md §18). More
 * unproven ones may begin: each is kept, and the one that shows that it is alive is served, until there is
 * proof.
 */
import { keepForEarlier, keepFromNext } from './contest-commands.ts'
import type { Context } from '../store/context.ts'
import { dropEarlier, keepEarlier, readEarlier, type Earlier } from '../store/earlier.ts'
import { archiveEscrow } from '../store/escrow/tokens.ts'
import type { Identity } from '../store/rows/identity.ts'
import { everyChannel } from '../store/channels.ts'
import { saveChannel, saveDevice } from '../store/rows/save.ts'
import type { Channel } from '../store/channel-row.ts'
import type { Contest } from '../store/rows/device.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** The time in which the earlier identity may show that it is the device. */
export const CONTEST_SPAN = 30 * DAY
/** The same if no enrolment has sent its TokenUpdate: then it is probably one device that tries again. */
const UNFINISHED_SPAN = HOUR
/** The time in which the new identity may show that it is a renewal. */
const RENEWAL_SPAN = DAY
/** Between Authenticate and TokenUpdate, a device that renews may use both identities for this time. */
const CHANGING_SPAN = 5 * MINUTE
/** How often the earlier identity is pushed. */
export const PUSH_SPAN = DAY
/** Repeated Authenticates do not make pushes more frequent than this. */
const MIN_PUSH_SPAN = 15 * MINUTE
/** The maximum number of kept enrolments. */
const MAX_EARLIER = 5

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

/** Whether a device may be changing its identity just now, and use both. */
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

/** No epoch is used twice: identities and commands of a lost enrolment keep its epoch. */
export function nextEpoch({ state }: Context): number {
  const { device, identities } = state
  const kept = device.contest?.earlier ?? []
  return Math.max(device.epoch, ...kept, ...identities.map(({ epoch }) => epoch)) + 1
}

/**
 * Keeps the present enrolment, and begins another beside it. `renewal`: profiles that may have led to it.
 * `isProven`: it has the known identity, so that only renewal or new enrolment is open.
 */
export function beginContest(
  context: Context,
  { renewal, isProven }: { readonly renewal: readonly string[]; readonly isProven: boolean },
): void {
  const { state, now } = context
  const { device } = state
  const isAgain = isTriedAgain(context)
  const isRival = device.contest !== undefined
  const span = isProven ? RENEWAL_SPAN : isAgain ? UNFINISHED_SPAN : CONTEST_SPAN
  keepEarlier(context)
  if (isAgain || device.contest) {
    // Commands for an id wait for the device that completes an enrolment with it.
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
    // A push lets the interrupted enrolment show at once that it is alive.
    context.effects.push.add(-device.epoch)
  }
  device.contest = { since: now, until: now + span, earlier, renewal, pushedAt }
  for (const channel of everyChannel(context)) {
    // The claim stays: an admin's bare UserID still leads here.
    resetChannel(context, channel, channel.claim)
  }
  if (!isProven && now - pushedAt >= MIN_PUSH_SPAN) {
    pushEarlier(context)
  }
}

/**
 * Drops an unproven enrolment: one without a TokenUpdate if there is one, otherwise the one that was served
 * longest ago.
 */
function dropOne(context: Context, earlier: number[]): void {
  const unfinished = earlier.findIndex(
    (epoch, place) => place > 0 && readEarlier(context, epoch)?.channels[0]?.token === '',
  )
  dropEarlier(context, earlier.splice(Math.max(unfinished, 1), 1))
}

/** Whether the present enrolment has an identity that is proven. */
export function isPresentProven({ state }: Context): boolean {
  return state.identities.some(({ epoch, proof }) => epoch === state.device.epoch && proof !== '')
}

/** No enrolment with this id ever sent its TokenUpdate, and none is proven. */
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
  context.state.unansweredPushes.delete(channel.id)
  saveChannel(context, channel)
}

/** A channel has no answers of APNs: the earlier ones were about another token. */
export const UNPUSHED = { flag: '', flagEpoch: 0, pushedAt: 0, pushAfter: 0 }

/**
 * A kept enrolment has connected: from now on the contest lasts its full time. `since`: milliseconds since
 * 1970.
 */
export function extend(context: Context, since: number): void {
  const { device } = context.state
  if (device.contest) {
    const until = Math.max(device.contest.until, since + CONTEST_SPAN)
    device.contest = { ...device.contest, until }
    saveDevice(context)
  }
}

/** Pushes all kept enrolments. One of them may be the device, which connects and proves it. */
export function pushEarlier(context: Context): void {
  const { device } = context.state
  if (device.contest) {
    context.state.keptPushedAt = context.now
    device.contest = { ...device.contest, pushedAt: context.now }
    saveDevice(context)
    for (const epoch of device.contest.earlier) {
      context.effects.push.add(-epoch)
    }
  }
}
