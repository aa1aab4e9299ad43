/** A pass sends one kind of operation to devices of a fleet, each once before any twice. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Outcome } from './drive.ts'
import { countSyncs, hasStrace } from './fsyncs.ts'
import type { Kind, Run } from './load.ts'
import { profiled } from './profile.ts'
import { look, rowOf, type Row } from './row.ts'
import type { Bench } from './server.ts'
import { WARMERS } from './sign.ts'
import { processesOf, untilQuiet } from './usage.ts'

/** Seconds in which the Worker's code is warmed up after a start. */
const WARM_UP = 3
const CONNECTIONS = 16
const NEVER = Number.MAX_SAFE_INTEGER
/** Seconds: no pass takes longer. */
const LIMIT = 1800
/** Operations that are made with strace attached. */
export const TRACED = 200

type Part = Pick<Run, 'kind' | 'from' | 'to'>

/** Each device once. */
export function once(part: Part): Run {
  return { connections: CONNECTIONS, count: part.to - part.from, seconds: LIMIT, ...part }
}

/** In turn, for so many seconds. */
export function during(seconds: number, part: Part): Run {
  return { connections: CONNECTIONS, count: NEVER, seconds, ...part }
}

/** The devices that warm up the Worker's code after each start. They belong to no fleet. */
export async function enrolWarmers({ load }: Bench): Promise<void> {
  await load.run(once({ kind: 'enrolment', from: 0, to: WARMERS }))
}

/** A restart lets go of all objects, and the Worker forgets all certificates. */
export async function restart(bench: Bench, kind: Kind): Promise<void> {
  // The alarms of what went before would wake objects after the start.
  await untilQuiet(processesOf(bench.server()))
  await bench.restart()
  await bench.load.run(during(WARM_UP, { kind, from: 0, to: WARMERS }))
}

export async function passOf(
  bench: Bench,
  what: Pick<Row, 'fleet' | 'objects'>,
  run: Run,
): Promise<Row> {
  const processes = processesOf(bench.server())
  await bench.load.sign(run)
  const before = look(processes, 'Device')
  const send = (): Promise<Outcome> => bench.load.run(run)
  const name = `${what.fleet}-${run.kind}-${what.objects}`
  const outcome = await (bench.profile ? profiled(name, send) : send())
  return rowOf({ ...what, kind: run.kind }, outcome, before, look(processes, 'Device'))
}

/** How many fsyncs each operation takes; `undefined` where strace is missing. */
export async function syncsOf(bench: Bench, run: Run): Promise<number | undefined> {
  if (!hasStrace) {
    return undefined
  }
  await bench.load.sign(run)
  const counter = await countSyncs(processesOf(bench.server()).workerd)
  try {
    const { operations } = await bench.load.run(run)
    await sleep(1000)
    return counter.count() / operations
  } finally {
    await counter.end()
  }
}
