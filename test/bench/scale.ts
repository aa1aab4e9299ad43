import type { Outcome } from './drive.ts'
import type { Kind } from './load.ts'
import { enrolWarmers, once, passOf, restart } from './passes.ts'
import type { Row } from './row.ts'
import type { Bench, Load } from './server.ts'
import { WARMERS } from './sign.ts'
import { processesOf, untilQuiet } from './usage.ts'

/** Latency of one operation at one length of the queue. */
export interface Latency {
  readonly at: string
  readonly idle: Outcome
  readonly cycle: Outcome
}

const QUEUES = [1, 100, 10_000]
const SECONDS = 3
const NEVER = Number.MAX_SAFE_INTEGER
/** Devices that are measured at each size of the fleet; the others only have to be there. */
const SAMPLE = 500

/** New devices, and their first calls after a restart, while the fleet grows beside them. */
export async function measureGrowth(
  bench: Bench,
  sizes: readonly number[],
  say: (row: Row) => void,
): Promise<void> {
  await enrolWarmers(bench)
  let enrolled = 0
  let from = WARMERS
  for (const size of sizes) {
    await bench.load.run(once({ kind: 'fill', from: enrolled, to: size }))
    enrolled = size
    await untilQuiet(processesOf(bench.server()))
    const sample = { from, to: from + SAMPLE }
    const enrolment = once({ kind: 'enrolment', ...sample })
    say(await passOf(bench, { fleet: size, objects: 'new' }, enrolment))
    for (const kind of ['idle', 'cycle'] satisfies Kind[]) {
      await restart(bench, kind)
      say(await passOf(bench, { fleet: size, objects: 'cold' }, once({ kind, ...sample })))
    }
    from = sample.to
  }
}

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
