import { setTimeout as sleep } from 'node:timers/promises'
import type { Outcome, Run } from './load.ts'
import type { Load } from './server.ts'

/** Latency of one operation at one size. */
export interface Latency {
  readonly at: string
  readonly idle: Outcome
  readonly cycle: Outcome
}

type Plan = (plan: Partial<Run> & Pick<Run, 'kind'>) => Run

const QUEUES = [1, 100, 10_000]
const SECONDS = 3
/** Local workerd lets go of an object after ten. */
const UNTIL_COLD = 15_000

/** Idle and cycle of the same devices while the fleet grows beside them. */
export async function fleetSizes(
  load: Load,
  bounded: Plan,
  sizes: readonly number[],
): Promise<Latency[]> {
  const found: Latency[] = []
  let enrolled = 0
  for (const size of sizes) {
    await load.run(
      bounded({ kind: 'fill', from: enrolled, to: size, count: size - enrolled, seconds: 1800 }),
    )
    enrolled = size
    found.push({
      at: `${size.toLocaleString('en')} enrolments`,
      idle: await load.run(bounded({ kind: 'idle', seconds: SECONDS })),
      cycle: await load.run(bounded({ kind: 'cycle', seconds: SECONDS })),
    })
  }
  return found
}

/** Idle and cycle of one device, one connection, with ever more commands waiting. */
export async function queueLengths(load: Load, bounded: Plan): Promise<Latency[]> {
  const found: Latency[] = []
  const one = { from: 0, to: 1, connections: 1, seconds: SECONDS }
  let queued = 0
  for (const length of QUEUES) {
    const count = length - queued
    await load.run(bounded({ kind: 'enqueue', from: 0, to: 1, count, seconds: 300 }))
    queued = length
    found.push({
      at: `${length.toLocaleString('en')} queued`,
      // Each queues one and answers one: the length stays.
      cycle: await load.run(bounded({ kind: 'cycle', ...one })),
      // What a device ignores in three rounds is stalled, which is another matter.
      idle: await load.run(bounded({ kind: 'idle', ...one, count: 2 })),
    })
  }
  return found
}

/** The first connect of devices whose objects were let go, and the next one. */
export async function coldAndWarm(
  load: Load,
  bounded: Plan,
  devices: number,
): Promise<{ cold: Outcome; warm: Outcome }> {
  await sleep(UNTIL_COLD)
  const once = bounded({ kind: 'idle', connections: 1, count: devices, seconds: 60 })
  return { cold: await load.run(once), warm: await load.run(once) }
}
