/** What becomes of commands while an enrolment is contested, and as the contest ends. */
import { isDestructiveCommand } from '../../commands/table.ts'
import type { Context } from '../store/context.ts'
import { everyChannel } from '../store/channels.ts'
import { queueOf } from '../queue/window.ts'
import { giveUp } from '../queue/cancel.ts'
import { CHANNEL_SPAN } from '../store/schema.ts'

interface Row {
  readonly id: number
  readonly requestType: string
  readonly secret: number
}

const GIVEN = "state IN ('sent', 'not_now', 'stalled')"
const ACTIVE = "state IN ('queued', 'sent', 'not_now', 'stalled')"
/** RemoveProfile may take the enrolment profile away. */
const isDestructive = ({ requestType }: Row): boolean =>
  isDestructiveCommand(requestType) || requestType === 'RemoveProfile'
const isGuarded = (row: Row): boolean => row.secret === 1 || isDestructive(row)

/** Everything that waits is for the enrolment that is kept. */
export function keepForEarlier({ db, state }: Context): void {
  db.run(`UPDATE commands SET state = 'held', held_for = 'earlier' WHERE ${ACTIVE}`)
  state.queues.clear()
}

/** Who is served changes, and neither is proven: the next one gets what is no secret, and nothing that was to lose another's data. */
export function keepFromNext(context: Context): void {
  const before = [...rowsOf(context, ACTIVE), ...held(context, 'contest')]
  hold(context, before.filter(isDestructive), 'review')
  hold(context, rowsOf(context, ACTIVE).filter(isGuarded), 'contest')
  giveAgain(context)
  context.state.queues.clear()
}

/** The enrolment that was kept is the device: it goes on, and gets what was queued meanwhile. */
export function returnToEarlier(context: Context, since: number): void {
  forgetAnswers(context, since)
  hold(context, rowsOf(context, ACTIVE).filter(isDestructive), 'review')
  giveAgain(context)
  lift(context, 'earlier', () => true)
  lift(context, 'contest', (row) => !isDestructive(row))
  look(context)
}

/** What another answered meanwhile says nothing of the device. */
function forgetAnswers({ db }: Context, since: number): void {
  db.run(
    `UPDATE commands SET state = 'cancelled', result = NULL WHERE held_for <> 'earlier' AND answered_at > ?
      AND state IN ('acknowledged', 'error', 'format_error')`,
    since,
  )
}

/** Both enrolments are one. */
export function joinQueues(context: Context, destructive: 'held' | 'go on'): void {
  lift(context, 'earlier', (row) => destructive === 'go on' || !isDestructive(row))
  lift(context, 'contest', () => true)
  look(context)
}

/** The enrolment that was kept is over, and with it what was queued for it. */
export function endQueues(context: Context): void {
  const over = held(context, 'earlier').filter((row) => !isDestructive(row))
  for (const channel of over.length === 0 ? [] : everyChannel(context)) {
    const base = channel.id * CHANNEL_SPAN
    const numbers = over
      .map(({ id }) => id - base)
      .filter((number) => number > 0 && number < CHANNEL_SPAN)
    if (numbers.length > 0) {
      giveUp(context, channel, 'superseded', { numbers, held: true })
    }
  }
  lift(context, 'contest', () => true)
  look(context)
}

/** Pushes channels in which something waits. */
export function pushWaiting(context: Context): void {
  context.state.queues.clear()
  for (const channel of context.state.channels) {
    if (channel.token !== null && queueOf(context, channel).pending.length > 0) {
      context.effects.push.add(channel.id)
    }
  }
}

/** What the end of a contest leaves held: an admin has to look at it, and no later contest lets it go. */
function look({ db }: Context): void {
  db.run(
    "UPDATE commands SET held_for = 'review' WHERE state = 'held' AND held_for IN ('earlier', 'contest')",
  )
}

function lift(
  context: Context,
  heldFor: 'earlier' | 'contest',
  which: (row: Row) => boolean,
): void {
  context.db.run(
    `UPDATE commands SET held_for = '', state = CASE WHEN handed_out_at = 0 THEN 'queued'
      WHEN not_now_at >= handed_out_at THEN 'not_now' ELSE 'sent' END
      WHERE id IN (SELECT value FROM json_each(?))`,
    idsOf(held(context, heldFor).filter(which)),
  )
}

function hold({ db }: Context, rows: readonly Row[], heldFor: 'contest' | 'review'): void {
  db.run(
    `UPDATE commands SET state = 'held', held_for = ?, rounds = 0, handed_out_at = 0
      WHERE id IN (SELECT value FROM json_each(?))`,
    heldFor,
    idsOf(rows),
  )
}

/** What one was given, and did not answer, the next one gets. */
function giveAgain({ db }: Context): void {
  db.run(`UPDATE commands SET state = 'queued', rounds = 0, handed_out_at = 0 WHERE ${GIVEN}`)
}

function held(context: Context, heldFor: 'earlier' | 'contest'): Row[] {
  return rowsOf(context, `state = 'held' AND held_for = '${heldFor}'`)
}

function rowsOf({ db }: Context, condition: string): Row[] {
  return db.all<Row>(
    `SELECT id, request_type AS requestType, secret FROM commands WHERE ${condition}`,
  )
}

function idsOf(rows: readonly Row[]): string {
  return JSON.stringify(rows.map(({ id }) => id))
}
