/** Fleets whose devices have certificates of their own, each device visited once before any is twice. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Outcome } from './drive.ts'
import { countSyncs, hasStrace } from './fsyncs.ts'
import type { Kind, Run } from './load.ts'
import { profiled } from './profile.ts'
import type { Bench } from './server.ts'
import { look, rowOf, type Row } from './row.ts'
import { processesOf, untilQuiet, watchAfterwards } from './usage.ts'

export interface Plan {
  readonly size: number
  readonly kinds: ReadonlySet<string>
  readonly runs: number
  readonly seconds: number
  /** Seconds to look at what the server does after a load. */
  readonly quiet: number
  /** Whether V8 profiles of the Worker are made; they cost some of the rate. */
  readonly profile: boolean
}

const CONNECTIONS = 16
const NEVER = Number.MAX_SAFE_INTEGER
/** Other devices than the fleet's: they warm up the Worker's code after each start. */
const WARMERS = 64
const WARM_UP = 3
/** The fleet's numbers follow the warmers'. */
const FIRST = WARMERS
/** New devices of a run, where the fleet itself is smaller. */
const LEAST_ENROLMENTS = 400
/** No pass takes longer. */
const LIMIT = 600
/** Operations that are made with strace attached. */
const TRACED = 200
/** Only fleets that are small enough to repeat them many times show these. */
const SMALL = 64

export async function measureFleet(
  bench: Bench,
  plan: Plan,
  say: (row: Row) => void,
): Promise<void> {
  const { size, kinds, runs, seconds, quiet } = plan
  const enrolled = await enrolFleet(bench, plan, say)
  const fleet = { from: FIRST, to: FIRST + size }
  const measured: readonly Kind[] =
    size > SMALL ? ['idle', 'cycle'] : ['check-in', 'idle', 'cycle', 'inventory']
  for (const kind of measured.filter((name) => kinds.has(name))) {
    const cold: Row[] = []
    for (let run = 0; run < runs; run++) {
      await restart(bench, kind)
      cold.push(await passOf(bench, plan, 'cold', once({ kind, ...fleet })))
    }
    const warm: Row[] = []
    for (let run = 0; run < runs; run++) {
      warm.push(await passOf(bench, plan, 'warm', bounded({ kind, ...fleet, seconds })))
    }
    const afterwards = await watchAfterwards(processesOf(bench.server()), quiet)
    const rows = [middle(cold), { ...middle(warm), afterwards }]
    if (hasStrace) {
      await restart(bench, kind)
      const traced = { kind, from: FIRST, to: FIRST + Math.min(size, TRACED) }
      for (const row of rows) {
        row.fsyncs = await syncsOf(bench, once(traced))
      }
    }
    rows.forEach(say)
  }
  if (kinds.has('enrolment') && hasStrace) {
    const from = enrolled
    const fsyncs = await syncsOf(bench, once({ kind: 'enrolment', from, to: from + TRACED }))
    console.log(`  ${fsyncs.toFixed(1)} fsyncs an enrolment`)
  }
}

/** Returns the first number that is free. */
async function enrolFleet(bench: Bench, plan: Plan, say: (row: Row) => void): Promise<number> {
  const { size, kinds, runs, quiet } = plan
  await bench.load.run(once({ kind: 'enrolment', from: 0, to: WARMERS }))
  const each = Math.max(LEAST_ENROLMENTS, Math.ceil(size / runs))
  const rows: Row[] = []
  const rounds = kinds.has('enrolment') ? runs : 1
  const count = kinds.has('enrolment') ? each : size
  for (let round = 0; round < rounds; round++) {
    const from = FIRST + round * count
    rows.push(await passOf(bench, plan, 'new', once({ kind: 'enrolment', from, to: from + count })))
  }
  const afterwards = kinds.has('enrolment')
    ? await watchAfterwards(processesOf(bench.server()), quiet)
    : undefined
  if (afterwards) {
    say({ ...middle(rows), afterwards })
  }
  return FIRST + rounds * count
}

/** A restart lets all objects go and all certificates be forgotten. The code is warmed up on other devices. */
async function restart(bench: Bench, kind: Kind): Promise<void> {
  // The alarms of what went before would wake objects after the start.
  await untilQuiet(processesOf(bench.server()))
  await bench.restart()
  await bench.load.run(bounded({ kind, from: 0, to: WARMERS, seconds: WARM_UP }))
}

async function passOf(
  bench: Bench,
  { size, profile }: Plan,
  objects: Row['objects'],
  run: Run,
): Promise<Row> {
  const processes = processesOf(bench.server())
  await bench.load.sign(run)
  const before = look(processes, 'Device')
  const send = (): Promise<Outcome> => bench.load.run(run)
  const outcome = await (profile ? profiled(`${size}-${run.kind}-${objects}`, send) : send())
  return rowOf({ fleet: size, kind: run.kind, objects }, outcome, before, look(processes, 'Device'))
}

async function syncsOf(bench: Bench, run: Run): Promise<number> {
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

/** Each device once. */
function once(run: Pick<Run, 'kind' | 'from' | 'to'>): Run {
  return { connections: CONNECTIONS, count: run.to - run.from, seconds: LIMIT, ...run }
}

function bounded(run: Pick<Run, 'kind' | 'from' | 'to' | 'seconds'>): Run {
  return { connections: CONNECTIONS, count: NEVER, ...run }
}

/** The run of median speed. */
function middle(rows: readonly Row[]): Row {
  const sorted = rows.toSorted((a, b) => a.perSecond - b.perSecond)
  const [row] = sorted.slice(Math.floor(rows.length / 2))
  if (!row) {
    throw new Error('no run')
  }
  return row
}
