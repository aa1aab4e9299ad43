/**
 * How many users a device has. Any message may name a new one, so the longest unused are parked: their rows rest, with all that an
 * admin queued for them, until they are asked for. Of those for whom nothing waits, rows beyond a bound are deleted.
 */
import { OwnError } from '../../reason.ts'
import { newChannel, readChannels, saveChannel, type Channel } from './channel-row.ts'
import type { Context } from './context.ts'
import { PENDING_STATES } from '../queue/window.ts'
import { soughtByJob, soughtSince } from '../queue/history.ts'
import { CHANNEL_SPAN } from './schema.ts'
import type { DeviceState } from './state.ts'

/** User channels that are in use, each in memory and with a claim. */
export const MOST_USERS = 500
/** Parked channels for which nothing waits. */
const MOST_PARKED = 500
const PARKED_PACE = 50
/** As many parked channels may be there, whatever waits for them, before nothing more is queued for a user. */
const MOST_WAITING = 1000
/** So far the numbers of their commands are exact in a double. */
const MOST_NUMBERS = Math.floor(Number.MAX_SAFE_INTEGER / CHANNEL_SPAN) - 1
const DAY = 86_400_000

/** The channel of a user part, if it is in use. */
export function knownChannel(state: DeviceState, user: string): Channel | undefined {
  return state.channels.find((channel) => channel.user === user)
}

/** The channel of a user part, be it in use or parked: then it is in use again. */
export function recalledChannel(context: Context, user: string): Channel | undefined {
  const known = knownChannel(context.state, user)
  if (known || context.state.device.schema === 0) {
    return known
  }
  const [parked] = readChannels(context.db, 'parked = 1 AND user = ?', user)
  return parked && takeIn(context, Object.assign(parked, { parked: false }))
}

/** The channel of a user that was not heard of. Its row is written at once, because its number names its queue's rows. */
export function addChannel(context: Context, user: string): Channel {
  return takeIn(context, newChannel(freeNumber(context), user))
}

/** The channel of a number, to be looked at: a parked one stays where it is. */
export function channelAt({ db, state }: Context, id: number): Channel | undefined {
  return state.channels.find((channel) => channel.id === id) ?? readChannels(db, 'id = ?', id).at(0)
}

/** Channels in use, and the parked ones that have a token or a queue: what ends with the enrolment. */
export function everyChannel({ db, state }: Context): Channel[] {
  return state.device.schema === 0
    ? state.channels
    : [
        ...state.channels,
        ...readChannels(db, `parked = 1 AND (enabled = 1 OR token IS NOT NULL OR ${WAITS})`),
      ]
}

/** A message of a user came. When that was is written only if its row lags by a day. */
export function noteUse({ db, state, now }: Context, user: string): void {
  const channel = knownChannel(state, user)
  if (channel && channel.id > 0 && now - channel.usedAt >= DAY) {
    channel.usedAt = now
    saveChannel(db, channel)
  }
}

/** Whether so many users have been parked, each with something that waits, that nothing more may be queued for one. */
export function isOvercrowded(context: Context): boolean {
  // Nothing is parked before this.
  return context.state.channels.length > MOST_USERS && countParked(context) >= MOST_WAITING
}

const RANGE = `BETWEEN channels.id * ${CHANNEL_SPAN} AND channels.id * ${CHANNEL_SPAN} + ${CHANNEL_SPAN - 1}`
const WAITS = `EXISTS (SELECT 1 FROM commands WHERE commands.id ${RANGE} AND state IN ${PENDING_STATES})`

/** The next number; behind the last, the lowest that is free again: of a channel that was deleted nothing is left. */
function freeNumber({ db }: Context): number {
  const [last] = db.all<{ id: number | null }>('SELECT max(id) AS id FROM channels')
  const next = (last?.id ?? 0) + 1
  if (next <= MOST_NUMBERS) {
    return next
  }
  const [free] = db.all<{ id: number }>(
    `SELECT id + 1 AS id FROM channels AS one WHERE id < ${MOST_NUMBERS}
      AND NOT EXISTS (SELECT 1 FROM channels AS next WHERE next.id = one.id + 1) ORDER BY id LIMIT 1`,
  )
  if (!free) {
    throw new OwnError(
      `commands wait for ${MOST_NUMBERS} users of this device: cancel those of users who do not come`,
    )
  }
  return free.id
}

function takeIn(context: Context, channel: Channel): Channel {
  const { db, state, now } = context
  channel.usedAt = now
  saveChannel(db, channel)
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

function park({ db, name, state, effects }: Context, channel: Channel): void {
  state.channels.splice(state.channels.indexOf(channel), 1)
  for (const memory of [state.queues, state.unansweredPushes, state.connectedAt]) {
    memory.delete(channel.id)
  }
  saveChannel(db, Object.assign(channel, { parked: true, claim: 'none' }))
  effects.notes.push({ event: 'mdm:user-parked', device: name, user: true })
}

/**
 * Deletes the rows of the longest unused, but for those with something that waits, or that a job or an entry about a secret names.
 * It looks each time that so many more have come.
 */
function deleteSurplus(context: Context): void {
  const { db } = context
  const parked = countParked(context)
  if (parked <= MOST_PARKED || parked % PARKED_PACE > 0) {
    return
  }
  const surplus = db.all<{ id: number }>(
    `SELECT id FROM channels WHERE parked = 1 AND NOT EXISTS (SELECT 1 FROM commands
        WHERE commands.id ${RANGE} AND (state IN ${PENDING_STATES} OR ${soughtByJob('?')}))
      AND id NOT IN (SELECT token / ${CHANNEL_SPAN} FROM escrow_reads WHERE kind = 'command')
      ORDER BY used_at DESC, id DESC LIMIT -1 OFFSET ${MOST_PARKED}`,
    soughtSince(context),
  )
  for (const { id } of surplus) {
    const range = [id * CHANNEL_SPAN, (id + 1) * CHANNEL_SPAN - 1]
    db.run(
      "DELETE FROM parts WHERE body IN ('payload', 'result') AND ref BETWEEN ? AND ?",
      ...range,
    )
    db.run('DELETE FROM commands WHERE id BETWEEN ? AND ?', ...range)
    db.run('DELETE FROM channels WHERE id = ?', id)
  }
}

function countParked({ db }: Context): number {
  const [parked] = db.all<{ n: number }>('SELECT count(*) AS n FROM channels WHERE parked = 1')
  return parked?.n ?? 0
}
