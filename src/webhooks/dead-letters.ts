import type { Topic } from '../events/topics.ts'
import { KEEP_DEAD_LETTERS } from '../device/outbox/retries.ts'
import type { Db } from '../storage/db.ts'
import { reasonOf, warn } from '../log.ts'

/** An event that was given up; its message rests in its device's object. Times are milliseconds. */
export interface DeadLetter {
  readonly n: number
  readonly device: string
  readonly sequence: number
  readonly event: string
  readonly topic: Topic
  /** When it happened, and when it was given up. */
  readonly at: number
  readonly diedAt: number
  readonly tries: number
  readonly reason: string
}

const TABLE = `CREATE TABLE IF NOT EXISTS dead_letters (
  n INTEGER PRIMARY KEY,
  device TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  event TEXT NOT NULL,
  topic TEXT NOT NULL,
  at INTEGER NOT NULL,
  died_at INTEGER NOT NULL,
  tries INTEGER NOT NULL,
  reason TEXT NOT NULL
)`
/** The newest are kept: a receiver that takes nothing must not fill the object. */
const KEEP = 10_000

export function addDeadLetter(db: Db, letter: Omit<DeadLetter, 'n'>): void {
  db.run(TABLE)
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
  // A device has the messages of its newest alone, and its letters are not to push out those of others.
  db.run(
    `DELETE FROM dead_letters WHERE n <= (SELECT n FROM dead_letters WHERE device = ?1
      ORDER BY n DESC LIMIT 1 OFFSET ${KEEP_DEAD_LETTERS}) AND device = ?1`,
    letter.device,
  )
  db.run(`DELETE FROM dead_letters WHERE n <= (SELECT max(n) FROM dead_letters) - ${KEEP}`)
}

/** Newest first, from before `n` on. */
export function listDeadLetters(db: Db, before: number, limit: number): DeadLetter[] {
  return hasTable(db)
    ? db.all(
        `SELECT n, device, sequence, event, topic, at, died_at AS diedAt, tries, reason FROM dead_letters
          WHERE n < ? ORDER BY n DESC LIMIT ?`,
        before,
        limit,
      )
    : []
}

export function deadLetter(db: Db, n: number): DeadLetter | undefined {
  return listDeadLetters(db, n + 1, 1).find((letter) => letter.n === n)
}

/** The oldest `limit`, which go first when all are tried again. */
export function oldestDeadLetters(db: Db, limit: number): DeadLetter[] {
  return hasTable(db)
    ? db.all(
        `SELECT n, device, sequence, event, topic, at, died_at AS diedAt, tries, reason FROM dead_letters
          ORDER BY n LIMIT ?`,
        limit,
      )
    : []
}

export function countDeadLetters(db: Db): number {
  const [row] = hasTable(db)
    ? db.all<{ count: number }>('SELECT count(*) AS count FROM dead_letters')
    : []
  return row?.count ?? 0
}

export function removeDeadLetter(db: Db, n: number): void {
  // The webhook may have been removed while its device was asked.
  if (hasTable(db)) {
    db.run('DELETE FROM dead_letters WHERE n = ?', n)
  }
}

function hasTable(db: Db): boolean {
  return db.all("SELECT 1 FROM sqlite_master WHERE name = 'dead_letters'").length > 0
}

/** `gone`: its device has not kept the event. */
export type Retried = 'retried' | 'gone'

/** Retries each; one whose device is out of reach stays, and stops none of the others. */
export async function retryEach(
  letters: readonly DeadLetter[],
  retry: (letter: DeadLetter) => Promise<Retried>,
): Promise<Record<Retried, number>> {
  const counts = { retried: 0, gone: 0 }
  for (const letter of letters) {
    try {
      counts[await retry(letter)] += 1
    } catch (error) {
      warn('webhook:device-unreachable', { device: letter.device, reason: reasonOf(error) })
    }
  }
  return counts
}
