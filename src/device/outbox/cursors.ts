import type { Context } from '../store/context.ts'
import { dueReaders } from './retries.ts'
import { cursorOf, moveCursor, prune, UNKNOWN } from './record.ts'

/** How long an event is tried at all. */
export const TRIED_FOR = 3 * 86_400_000

/** The oldest moment from which an event still waits for some subscriber; `undefined` when none does. */
export function waitingSince({ db, state }: Context): number | undefined {
  const behind = Math.min(Infinity, ...state.cursors.values())
  if (behind >= state.lastSeq) {
    return undefined
  }
  const [oldest] = db.all<{ at: number }>(
    'SELECT at FROM events WHERE seq > ? ORDER BY seq LIMIT 1',
    behind,
  )
  return oldest?.at
}

/** Subscribers that something waits for, in their line or beside it. */
export function readersBehind(context: Context): string[] {
  const { cursors, lastSeq } = context.state
  const inLine = [...cursors].filter(([, seq]) => seq < lastSeq).map(([reader]) => reader)
  return [...new Set([...inLine, ...dueReaders(context)])]
}

/**
 * These are all the subscribers. Those that nobody knew of when an event was written get a cursor in front of it. What one that
 * is gone has not had is kept as long as events are tried at all, and with the last of it goes the reader: a deploy without its
 * setting must not lose more than that.
 * @returns whether the known ones have to come for events that nobody knew they wanted.
 */
export function settleReaders(context: Context, known: readonly string[]): boolean {
  const { state, db } = context
  const since = state.cursors.get(UNKNOWN)
  if (since !== undefined) {
    for (const reader of known) {
      if (!state.cursors.has(reader)) {
        moveCursor(context, reader, since)
      }
    }
    forget(context, UNKNOWN)
  }
  // There may be no tables yet.
  const beside =
    state.lastSeq === 0
      ? []
      : db.all<{ subscriber: string }>('SELECT DISTINCT subscriber FROM aside')
  const readers = new Set([...state.cursors.keys(), ...beside.map(({ subscriber }) => subscriber)])
  for (const reader of readers) {
    if (!known.includes(reader) && dropOld(context, reader)) {
      forget(context, reader)
      const detail = { device: context.name, webhook: reader }
      context.effects.notes.push({ event: 'webhook:forgotten', ...detail })
    }
  }
  return since !== undefined
}

/** Lets go of what a reader that is gone should have had long ago. @returns whether that was the last of it. */
function dropOld(context: Context, reader: string): boolean {
  const { db, state, now } = context
  const before = now - TRIED_FOR
  const [old] = db.all<{ seq: number | null }>(
    'SELECT max(seq) AS seq FROM events WHERE seq > ? AND at < ?',
    cursorOf(context, reader),
    before,
  )
  if (typeof old?.seq === 'number') {
    moveCursor(context, reader, old.seq)
  }
  const oldBeside = `FROM aside WHERE subscriber = ? AND next_at IS NOT NULL
    AND max(since, (SELECT at FROM events WHERE events.seq = aside.seq)) < ?`
  const [beside] = db.all<{ n: number }>(`SELECT count(*) AS n ${oldBeside}`, reader, before)
  if (typeof old?.seq !== 'number' && !beside?.n) {
    return false
  }
  db.run(`DELETE ${oldBeside}`, reader, before)
  prune(context)
  const left = db.all('SELECT 1 FROM aside WHERE subscriber = ? AND next_at IS NOT NULL', reader)
  return left.length === 0 && cursorOf(context, reader) >= state.lastSeq
}

function forget(context: Context, reader: string): void {
  context.state.cursors.delete(reader)
  context.state.attention.delete(reader)
  context.db.run('DELETE FROM cursors WHERE subscriber = ?', reader)
  context.db.run('DELETE FROM aside WHERE subscriber = ?', reader)
  prune(context)
}
