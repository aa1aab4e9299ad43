import type { Outcome } from './drive.ts'
import type { Load } from './server.ts'

/** Latency of one operation at one size. */
export interface Latency {
  readonly at: string
  readonly idle: Outcome
  readonly cycle: Outcome
}

const QUEUES = [1, 100, 10_000]
const SECONDS = 3
const NEVER = Number.MAX_SAFE_INTEGER

/** Idle and cycle of one device, one connection, with ever more commands waiting. */
export async function queueLengths(load: Load): Promise<Latency[]> {
  const found: Latency[] = []
  const one = { from: 0, to: 1, connections: 1, count: NEVER, seconds: SECONDS }
  await load.run({ ...one, kind: 'enrolment', count: 1 })
  let queued = 0
  for (const length of QUEUES) {
    await load.run({ ...one, kind: 'enqueue', count: length - queued, seconds: 300 })
    queued = length
    // Each cycle queues one and answers one: the length stays.
    const cycle = await load.run({ ...one, kind: 'cycle' })
    // What a device ignores in three rounds is stalled, which is another matter.
    const idle = await load.run({ ...one, kind: 'idle', count: 2 })
    const at = `${length.toLocaleString('en')} queued`
    console.log(
      `${at.padEnd(20)} Idle median ${idle.median.toFixed(2)} ms, p99 ${idle.p99.toFixed(1)}  cycle median ${cycle.median.toFixed(1)} ms, p99 ${cycle.p99.toFixed(1)}`,
    )
    found.push({ at, idle, cycle })
  }
  return found
}
