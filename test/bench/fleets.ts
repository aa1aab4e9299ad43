/** Fleets whose devices have certificates of their own, each device visited once before any is twice. */
import { setTimeout as sleep } from 'node:timers/promises'
import { declareToAll, fleetStates, storeDeclarations } from './declare.ts'
import type { Kind } from './load.ts'
import { during, enrolWarmers, once, passOf, restart, syncsOf, TRACED } from './passes.ts'
import type { Row } from './row.ts'
import type { Bench } from './server.ts'
import { WARMERS } from './sign.ts'
import { processesOf, watchAfterwards } from './usage.ts'

export interface Plan {
  readonly size: number
  readonly kinds: ReadonlySet<string>
  readonly runs: number
  readonly seconds: number
  /** Seconds to look at what the server does after a load. */
  readonly quiet: number
}

/** The fleet's numbers follow the warmers'. */
const FIRST = WARMERS
/** New devices of a run, where the fleet itself is smaller. */
const LEAST_ENROLMENTS = 400
/** A fleet of this size shows the other kinds too: its devices are visited many times. */
const SMALL = 64
const LOOK_EVERY = 500

export async function measureFleet(
  bench: Bench,
  plan: Plan,
  say: (row: Row) => void,
): Promise<void> {
  const { size, kinds, runs, seconds, quiet } = plan
  await enrolWarmers(bench)
  if (kinds.has('enrolment')) {
    say(await enrolmentOf(bench, plan))
  } else {
    await bench.load.run(once({ kind: 'enrolment', from: FIRST, to: FIRST + size }))
  }
  const fleet = { from: FIRST, to: FIRST + size }
  if (kinds.has('tokens')) {
    await declare(bench, fleet.to)
  }
  const measured: readonly Kind[] =
    size > SMALL
      ? ['idle', 'tokens', 'cycle']
      : ['check-in', 'idle', 'tokens', 'cycle', 'inventory']
  // Idle is measured beside `tokens`.
  const isMeant = (kind: Kind) => kinds.has(kind) || (kind === 'idle' && kinds.has('tokens'))
  for (const kind of measured.filter(isMeant)) {
    const cold: Row[] = []
    for (let run = 0; run < runs; run++) {
      await restart(bench, kind)
      const what = { fleet: size, objects: 'cold' } as const
      cold.push(await passOf(bench, what, once({ kind, ...fleet })))
    }
    const warm: Row[] = []
    for (let run = 0; run < runs; run++) {
      const what = { fleet: size, objects: 'warm' } as const
      warm.push(await passOf(bench, what, during(seconds, { kind, ...fleet })))
    }
    const afterwards = await watchAfterwards(processesOf(bench.server()), quiet)
    await restart(bench, kind)
    const traced = once({ kind, from: FIRST, to: FIRST + Math.min(size, TRACED) })
    say({ ...middle(cold), fsyncs: await syncsOf(bench, traced) })
    say({ ...middle(warm), fsyncs: await syncsOf(bench, traced), afterwards })
  }
}

/** All devices synchronise, so that each has a manifest and no command waits. */
async function declare({ load, server }: Bench, count: number): Promise<void> {
  await storeDeclarations(server())
  await declareToAll(server())
  while ((await fleetStates(server())).pending < count) {
    await sleep(LOOK_EVERY)
  }
  await load.run(once({ kind: 'synchronise', from: 0, to: count }))
}

/** The fleet enrols, in as many parts as there are runs. */
async function enrolmentOf(bench: Bench, { size, runs, quiet }: Plan): Promise<Row> {
  const each = Math.max(LEAST_ENROLMENTS, Math.ceil(size / runs))
  const rows: Row[] = []
  let from = FIRST
  for (let run = 0; run < runs; run++) {
    const part = once({ kind: 'enrolment', from, to: from + each })
    rows.push(await passOf(bench, { fleet: size, objects: 'new' }, part))
    from += each
  }
  const afterwards = await watchAfterwards(processesOf(bench.server()), quiet)
  const fsyncs = await syncsOf(bench, once({ kind: 'enrolment', from, to: from + TRACED }))
  return { ...middle(rows), fsyncs, afterwards }
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
