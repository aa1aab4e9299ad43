import type { Db } from '../../storage/db.ts'

/** A subscriber in the text of an event's listeners. */
export function forReader(subscriber: string): string {
  return ` ${subscriber} `
}

/** The event in front of the next one that a subscriber may want; `undefined` when there is none. */
export function passedBy(db: Db, subscriber: string, cursor: number): number | undefined {
  const [next] = db.all<{ seq: number | null }>(
    'SELECT min(seq) AS seq FROM events WHERE seq > ? AND (listeners IS NULL OR instr(listeners, ?) > 0)',
    cursor,
    forReader(subscriber),
  )
  return typeof next?.seq === 'number' ? next.seq - 1 : undefined
}
