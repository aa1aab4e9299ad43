import { isDestructiveCommand, mayBeDestructive } from '../../commands/request-types.ts'
import { isDevice } from '../store/address.ts'
import type { Channel } from '../store/channel-row.ts'
import { channelIdOf, rangeWithUsers } from '../store/commands/ids.ts'
import type { HeldFor, NewCommand } from '../store/commands/new-command.ts'
import { heldWithin, releaseRows, type HeldRow } from '../store/commands/pending.ts'
import { wakeBy, type Context } from '../store/context.ts'
import { isUnproven } from '../store/rows/device.ts'
import { heldByRun, resumeHeld } from '../store/commands/setup.ts'
import { openSetup, SETUP_SOURCE } from '../store/setup-runs.ts'
import { saveDevice } from '../store/rows/save.ts'
import { locateCommand, isHere, type CommandRef } from './lookup.ts'
import { PUSH_FALLBACK, queueOf, readWindow } from './window.ts'

/** Whether a new command is held, and for what. */
export function heldFor(
  { state }: Context,
  command: Pick<NewCommand, 'secret' | 'requestType' | 'heldFor'>,
): HeldFor | undefined {
  if (command.heldFor) {
    return command.heldFor
  }
  const { secret, requestType } = command
  const { device } = state
  const isRemoval = isUnproven(device) && requestType === 'RemoveProfile'
  if (!secret && !isRemoval && !isDestructiveCommand(requestType)) {
    return undefined
  }
  if (device.state === 'unknown' || device.namesake !== '') {
    return 'arrival'
  }
  return isUnproven(device) ? 'contest' : undefined
}

/** Commands that go out although the setup of the device is under way: they protect it. */
export const DURING_SETUP: readonly string[] = ['EraseDevice', 'DeviceLock', 'EnableLostMode']

/** Whether a new command of the device channel waits for the end of the setup. */
export function waitsForSetup(
  { state: { device } }: Context,
  { requestType, source }: Pick<NewCommand, 'requestType' | 'source'>,
): boolean {
  const open = openSetup(device)
  return (
    open !== undefined &&
    open.lets !== source &&
    source !== SETUP_SOURCE &&
    !DURING_SETUP.includes(requestType)
  )
}

/** Lets the commands go out that the setup holds: that of a row, or all. Others may be held for more. */
export function endSetupHold(context: Context, row?: number): void {
  for (const command of heldByRun(context.db, row)) {
    resumeHeld(context.db, command.id, heldFor(context, command))
  }
  readAgain(context, 0)
}

export type Released =
  | {
      readonly kind: 'released'
      readonly released: number
      /** How many still wait for a release. Objects of an earlier version do not say. */
      readonly held?: number
    }
  /** No device has enrolled with the id yet, so an admin cannot have checked it. */
  | { readonly kind: 'unenrolled' }
  | { readonly kind: 'unknown' }

/**
 * Releases held commands, which go out in their order: that of `ref`, or all of the channel. A release on the
 * device channel releases those of its users too.
 */
export function releaseHeld(
  context: Context,
  channel: Channel,
  ref: CommandRef | undefined,
): Released {
  const { user } = channel
  const found = ref && locateCommand(context, user, ref)
  if (ref && !isHere(context, user, ref)) {
    return { kind: 'unknown' }
  }
  if (!isDevice(context)) {
    return { kind: 'unenrolled' }
  }
  if (found) {
    return releaseThose(context, [found.row, found.row], () => true)
  }
  if (user === '') {
    endNamesake(context)
  }
  return releaseSome(context, channel, {})
}

/** Which held commands a release means: each part has to hold. Times are milliseconds. */
export interface ReleaseFilter {
  readonly requestTypes?: readonly string[] | undefined
  readonly queuedBefore?: number | undefined
  /** At this time or later. */
  readonly queuedAfter?: number | undefined
  readonly heldFor?: HeldFor | undefined
}

/** The same for the commands of a filter. */
export function releaseSome(context: Context, channel: Channel, filter: ReleaseFilter): Released {
  const { requestTypes, queuedBefore = Infinity, queuedAfter = 0, heldFor: reason } = filter
  return isDevice(context)
    ? releaseThose(
        context,
        rangeWithUsers(channel),
        (row) =>
          (requestTypes?.includes(row.requestType) ?? true) &&
          row.queuedAt < queuedBefore &&
          row.queuedAt >= queuedAfter &&
          (reason === undefined || row.heldFor === reason) &&
          goesWithOthers(context, row),
      )
    : { kind: 'unenrolled' }
}

function releaseThose(
  context: Context,
  range: Parameters<typeof heldWithin>[1],
  isMeant: (row: HeldRow) => boolean,
): Released {
  const held = heldWithin(context.db, range)
  const ids = held.filter(isMeant).map(({ id }) => id)
  releaseRows(context.db, ids)
  for (const id of new Set(ids.map(channelIdOf))) {
    readAgain(context, id)
  }
  return { kind: 'released', released: ids.length, held: held.length - ids.length }
}

/**
 * Whether a release without a command's id releases this one. While the device is not proven it leaves the
 * commands that its proof releases, and those of a moved fleet, which were queued for the enrolment before.
 * What waits for the setup of the device waits for its end.
 * It never releases a destructive command of a moved fleet: that one needs its id.
 */
function goesWithOthers({ state }: Context, { heldFor: reason, requestType }: HeldRow): boolean {
  if (reason === 'setup') {
    return false
  }
  if (isUnproven(state.device) && reason !== 'arrival' && reason !== 'review') {
    return false
  }
  return reason !== 'moved' || !mayBeDestructive(requestType)
}

/**
 * A release of all commands confirms that the id means the device. A release of one command, of some, or of a
 * user does not.
 */
function endNamesake(context: Context): void {
  const { state } = context
  if (state.device.namesake !== '') {
    state.device.namesake = ''
    saveDevice(context)
  }
}

function readAgain(context: Context, id: number): void {
  const channel = context.state.channels.find((one) => one.id === id)
  if (!channel) {
    return
  }
  readWindow(context, channel, queueOf(context, channel))
  if (channel.token !== null) {
    context.effects.push.add(channel.id)
    wakeBy(context, context.now + PUSH_FALLBACK)
  }
}
