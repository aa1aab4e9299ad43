import type { Context } from './context.ts'
import { dueReaders } from './aside.ts'
import { moveCursor, prune, UNKNOWN } from './outbox.ts'

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
 * These are all the subscribers. Those that nobody knew of when an event was written get a cursor in front of it, and one that
 * is gone is forgotten, once the oldest event that it missed is as old as events are tried at all: a deploy without its setting
 * must not lose what it has not had.
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
  for (const [reader, seq] of state.cursors) {
    const [missed] = known.includes(reader)
      ? []
      : db.all<{ at: number | null }>(
          `SELECT min(at) AS at FROM events WHERE seq > ?
            OR seq IN (SELECT seq FROM aside WHERE subscriber = ? AND next_at IS NOT NULL)`,
          seq,
          reader,
        )
    if (context.now - (missed?.at ?? context.now) > TRIED_FOR) {
      forget(context, reader)
      context.effects.notes.push({
        event: 'webhook:forgotten',
        device: context.name,
        subscriber: reader,
      })
    }
  }
  return since !== undefined
}

function forget(context: Context, reader: string): void {
  context.state.cursors.delete(reader)
  context.state.attention.delete(reader)
  context.db.run('DELETE FROM cursors WHERE subscriber = ?', reader)
  context.db.run('DELETE FROM aside WHERE subscriber = ?', reader)
  prune(context)
}
