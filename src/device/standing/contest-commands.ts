/** The effects of a contest and its end on pending commands. */
import { mayBeDestructive } from '../../commands/request-types.ts'
import { supersedeCommands } from '../queue/cancel.ts'
import { queueOf } from '../queue/window.ts'
import { everyChannel } from '../store/channels.ts'
import {
  activeRows,
  cancelAnswered,
  heldRows,
  holdActive,
  holdForReview,
  holdRows,
  queueUnanswered,
  resumeRows,
  type ContestRow,
} from '../store/commands/contest.ts'
import { channelIdOf, numberOf } from '../store/commands/ids.ts'
import type { Context } from '../store/context.ts'

const isDestructive = ({ requestType }: ContestRow): boolean => mayBeDestructive(requestType)
const isGuarded = (row: ContestRow): boolean => row.secret === 1 || isDestructive(row)

/** All pending commands belong to the enrolment that is kept. */
export function keepForEarlier({ db, state }: Context): void {
  holdActive(db, 'earlier')
  state.queues.clear()
}

/**
 * Another enrolment is served now, and neither is proven. The next one gets no secret command, and no
 * destructive command that was queued for the other.
 */
export function keepFromNext({ db, state }: Context): void {
  const before = [...activeRows(db), ...heldRows(db, 'contest')]
  holdRows(db, before.filter(isDestructive), 'review')
  holdRows(db, activeRows(db).filter(isGuarded), 'contest')
  queueUnanswered(db)
  state.queues.clear()
}

/**
 * The kept enrolment is the device. Its commands go on, and it gets the commands that were queued meanwhile.
 */
export function returnToEarlier({ db }: Context, since: number): void {
  cancelAnswered(db, since)
  holdRows(db, activeRows(db).filter(isDestructive), 'review')
  queueUnanswered(db)
  resumeRows(db, heldRows(db, 'earlier'))
  resumeRows(
    db,
    heldRows(db, 'contest').filter((row) => !isDestructive(row)),
  )
  holdForReview(db)
}

/** Both enrolments are one. */
export function joinQueues({ db }: Context, destructive: 'held' | 'go on'): void {
  const earlier = heldRows(db, 'earlier')
  resumeRows(
    db,
    earlier.filter((row) => destructive === 'go on' || !isDestructive(row)),
  )
  resumeRows(db, heldRows(db, 'contest'))
  holdForReview(db)
}

/** The kept enrolment is over, and its commands are superseded. */
export function endQueues(context: Context): void {
  const { db } = context
  const over = heldRows(db, 'earlier').filter((row) => !isDestructive(row))
  for (const channel of over.length === 0 ? [] : everyChannel(context)) {
    const numbers = over
      .filter(({ id }) => channelIdOf(id) === channel.id)
      .map(({ id }) => numberOf(id))
    if (numbers.length > 0) {
      supersedeCommands(context, channel, { numbers, held: true })
    }
  }
  resumeRows(db, heldRows(db, 'contest'))
  holdForReview(db)
}

/** Pushes channels on which commands wait. */
export function pushWaiting(context: Context): void {
  context.state.queues.clear()
  for (const channel of context.state.channels) {
    if (channel.token !== null && queueOf(context, channel).pending.length > 0) {
      context.effects.push.add(channel.id)
    }
  }
}
