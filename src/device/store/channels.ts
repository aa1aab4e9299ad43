/**
 * The channels of a device. Any message may name a new user, so the longest unused channels are parked: they
 * leave memory, and their rows stay with all commands until they are needed. Parked channels beyond a bound
 * on which no command is pending are deleted.
 */
import { OwnError } from '../../reason.ts'
import { dropPartsBetween } from '../../storage/bodies.ts'
import {
  countParked,
  deleteChannel,
  freeChannelId,
  newChannel,
  readChannel,
  readParkedChannel,
  readParkedEnrolled,
  surplusParked,
  type Channel,
} from './channel-row.ts'
import { saveChannel } from './rows/save.ts'
import { deleteRowsOf } from './commands/ended.ts'
import { channelIdOf, commandId, LAST_CHANNEL, numberOf, rangeOf } from './commands/ids.ts'
import { jobHorizon } from './commands/states.ts'
import type { Context } from './context.ts'
import { CHANNELS_WITH_READS } from './escrow/reads.ts'
import { dropDeclarations } from './manifest-row.ts'
import type { DeviceState } from './state.ts'

/** User channels that are in use, each in memory and with a claim. */
const MOST_USERS = 500
/** Parked channels on which no command is pending. */
const MOST_PARKED = 500
const PARKED_PACE = 50
/** With so many parked channels, pending commands or not, no more commands are queued for a user. */
const MOST_WAITING = 1000
const DAY = 86_400_000

/** The channel of a user part, if it is in use. */
export function knownChannel(state: DeviceState, user: string): Channel | undefined {
  return state.channels.find((channel) => channel.user === user)
}

/** The channel of a user part, in use or parked: a parked one is in use from now on. */
export function recalledChannel(context: Context, user: string): Channel | undefined {
  const known = knownChannel(context.state, user)
  if (known) {
    return known
  }
  const parked = readParkedChannel(context.db, user)
  return parked && takeIn(context, Object.assign(parked, { parked: false }))
}

/** The channel of a user part; a new one if there is none. */
export function channelOf(context: Context, user: string): Channel {
  const known = recalledChannel(context, user)
  if (known) {
    return known
  }
  return addChannel(context, user)
}

/** A new channel. Its row is written at once, because the channel's number names the rows of its commands. */
export function addChannel(context: Context, user: string): Channel {
  const id = freeChannelId(context.db, LAST_CHANNEL)
  if (id === undefined) {
    throw new OwnError(
      `commands wait for ${LAST_CHANNEL} users of this device: cancel those of users who do not connect`,
    )
  }
  return takeIn(context, newChannel(id, user))
}

/** The channel of a number, for a view: a parked one stays parked. */
export function channelAt({ db, state }: Context, id: number): Channel | undefined {
  return state.channels.find((channel) => channel.id === id) ?? readChannel(db, id)
}

/** The id of a command by its row, deleted or not. */
export function idOfRow(context: Context, row: number): string {
  const channel = channelAt(context, channelIdOf(row))
  return channel ? commandId(context, channel, numberOf(row)) : ''
}

/** Channels in use, and the parked ones that have a token or a queue: all that end with the enrolment. */
export function everyChannel({ db, state }: Context): Channel[] {
  return [...state.channels, ...readParkedEnrolled(db)]
}

/** Notes that a user sent a message. The time is written only if the row lags by a day. */
export function noteChannelUse(context: Context, user: string): void {
  const { state, now } = context
  const channel = knownChannel(state, user)
  if (channel && channel.id > 0 && now - channel.usedAt >= DAY) {
    channel.usedAt = now
    saveChannel(context, channel)
  }
}

/** Whether so many users are parked with pending commands that no more may be queued for a user. */
export function isOvercrowded({ db, state }: Context): boolean {
  // Channels are parked only beyond this number.
  return state.channels.length > MOST_USERS && countParked(db) >= MOST_WAITING
}

function takeIn(context: Context, channel: Channel): Channel {
  const { state, now } = context
  channel.usedAt = now
  saveChannel(context, channel)
  const surplus = state.channels.length - MOST_USERS
  if (surplus > 0) {
    const unused = state.channels
      .filter(({ id }) => id > 0)
      .toSorted((one, other) => one.usedAt - other.usedAt || one.id - other.id)
    for (const longest of unused.slice(0, surplus)) {
      park(context, longest)
    }
    deleteSurplus(context)
  }
  state.channels.push(channel)
  return channel
}

function park(context: Context, channel: Channel): void {
  const { name, state, effects } = context
  state.channels.splice(state.channels.indexOf(channel), 1)
  for (const memory of [state.queues, state.unansweredPushes, state.connectedAt]) {
    memory.delete(channel.id)
  }
  saveChannel(context, Object.assign(channel, { parked: true, claim: 'none' }))
  effects.notes.push({ event: 'mdm:user-parked', device: name, user: true })
}

/** Deletes surplus parked channels, but none that a job or an entry about a read secret names. */
function deleteSurplus({ db, state, now }: Context): void {
  const parked = countParked(db)
  // The check reads many rows, so it is not made for each new parked channel.
  if (parked <= MOST_PARKED || parked % PARKED_PACE > 0) {
    return
  }
  const most = MOST_PARKED
  const surplus = surplusParked(db, {
    most,
    jobsFrom: jobHorizon(now),
    except: CHANNELS_WITH_READS,
  })
  for (const id of surplus) {
    dropPartsBetween(db, ['payload', 'result'], ...rangeOf({ id }))
    deleteRowsOf(db, { id })
    dropDeclarations({ db, state }, { id })
    deleteChannel(db, id)
  }
}
