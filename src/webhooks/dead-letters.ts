import type { Topic } from '../events/topics.ts'
import { KEEP_DEAD_LETTERS } from '../device/outbox/retries.ts'
import type { Db } from '../storage/db.ts'
import type { Tables } from '../storage/tables.ts'

/** An event that is not posted any more. Its device keeps the message. Times are milliseconds. */
export interface DeadLetter {
  readonly n: number
  readonly device: string
  readonly sequence: number
  readonly event: string
  readonly topic: Topic
  /** The time of the event, and the time when it became a dead letter. */
  readonly at: number
  readonly diedAt: number
  readonly tries: number
  readonly reason: string
}

export const DEAD_LETTERS_TABLES: Tables = {
  dead_letters: `(
    n INTEGER PRIMARY KEY,
    device TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    event TEXT NOT NULL,
    topic TEXT NOT NULL,
    at INTEGER NOT NULL,
    died_at INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    reason TEXT NOT NULL
  )`,
}

const COLUMNS = 'n, device, sequence, event, topic, at, died_at AS diedAt, tries, reason'
/** Only the newest are kept: a receiver that accepts nothing must not fill the object. */
const KEEP = 10_000

export function addDeadLetter(db: Db, letter: Omit<DeadLetter, 'n'>): void {
  db.run(
    `INSERT INTO dead_letters (device, sequence, event, topic, at, died_at, tries, reason)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    letter.device,
    letter.sequence,
    letter.event,
    letter.topic,
    letter.at,
    letter.diedAt,
    letter.tries,
    letter.reason,
  )
  // A device keeps only the messages of its newest. Its dead letters displace none of other devices.
  db.run(
    `DELETE FROM dead_letters WHERE n <= (SELECT n FROM dead_letters WHERE device = ?1
      ORDER BY n DESC LIMIT 1 OFFSET ${KEEP_DEAD_LETTERS}) AND device = ?1`,
    letter.device,
  )
  db.run(`DELETE FROM dead_letters WHERE n <= (SELECT max(n) FROM dead_letters) - ${KEEP}`)
}

/** Newest first, only those with a lower number. */
export function listDeadLetters(db: Db, before: number, limit: number): DeadLetter[] {
  return select(db, 'WHERE n < ? ORDER BY n DESC LIMIT ?', before, limit)
}

export function findDeadLetter(db: Db, n: number): DeadLetter | undefined {
  return select(db, 'WHERE n = ?', n)[0]
}

/** Oldest first: the order in which they are retried. */
export function oldestDeadLetters(db: Db, limit: number): DeadLetter[] {
  return select(db, 'ORDER BY n LIMIT ?', limit)
}

function select(db: Db, which: string, ...values: number[]): DeadLetter[] {
  return db.all(`SELECT ${COLUMNS} FROM dead_letters ${which}`, ...values)
}

export function countDeadLetters(db: Db): number {
  const [row] = db.all<{ count: number }>('SELECT count(*) AS count FROM dead_letters')
  return row?.count ?? 0
}

export function removeDeadLetter(db: Db, n: number): void {
  db.run('DELETE FROM dead_letters WHERE n = ?', n)
}
