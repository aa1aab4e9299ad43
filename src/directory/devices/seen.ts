/** When devices were seen last. An isolate gathers this for many devices: a message costs no statement. */
import { clock, wait } from '../../clock.ts'
import { attempt } from '../../log.ts'
import { sql, write } from '../sql.ts'

/** How long notes are gathered. After its answer, a request may work for 30 seconds. */
const GATHER = 20_000
/** Other requests wait while D1 runs a statement. */
const MOST_NOTES = 200

/** The devices that were seen since notes were written last, and when. */
let notes = new Map<string, number>()
/** When the request that waits will write the notes. It may end before: then the next note waits anew. */
let writesAt = 0

/**
 * Notes that a device was seen now. The notes are written in the background of the request. If the isolate
 * ends before, they are lost.
 */
export function noteSeen(
  d1: D1Database,
  device: string,
  resolution: number,
  request: Pick<ExecutionContext, 'waitUntil'>,
): void {
  const now = clock.now()
  notes.set(device, now)
  if (notes.size >= MOST_NOTES) {
    request.waitUntil(writeNotes(d1, resolution))
  } else if (now > writesAt) {
    writesAt = now + GATHER
    request.waitUntil(writeLater(d1, resolution))
  }
}

async function writeLater(d1: D1Database, resolution: number): Promise<void> {
  await wait(GATHER)
  writesAt = 0
  await writeNotes(d1, resolution)
}

async function writeNotes(d1: D1Database, resolution: number): Promise<void> {
  if (notes.size === 0) {
    return
  }
  const taken = JSON.stringify([...notes])
  notes = new Map()
  // A row that lags by less is read and not written.
  await attempt('directory:seen-not-written', async () => {
    const note = sql`UPDATE devices SET last_seen = note.at
      FROM (SELECT value ->> 0 AS id, value ->> 1 AS at FROM json_each(${taken})) AS note
      WHERE devices.id = note.id AND note.at - last_seen >= ${resolution}`
    await write(d1, note)
  })
}
