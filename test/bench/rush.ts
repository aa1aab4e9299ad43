import { enrolWarmers, once, passOf, restart } from './passes.ts'
import type { Row } from './row.ts'
import type { Bench } from './server.ts'
import { WARMERS } from './sign.ts'
import { memoryOf, processesOf, untilQuiet, watchAfterwards } from './usage.ts'

/** Devices have connections of their own; so many calls may be under way at once. */
const CONNECTIONS = 64

/**
 * Each device calls once within so many minutes, evenly, and afterwards all call within one. Time counts from
 * the moment at which a call was due.
 */
export async function measureRush(
  bench: Bench,
  plan: { readonly size: number; readonly minutes: number; readonly quiet: number },
  say: (row: Row) => void,
): Promise<void> {
  const { size, minutes, quiet } = plan
  const fleet = { from: WARMERS, to: WARMERS + size }
  await enrolWarmers(bench)
  await bench.load.run(once({ kind: 'enrolment', ...fleet }))
  await untilQuiet(processesOf(bench.server()))
  await restart(bench, 'idle')
  for (const [objects, within] of [
    ['cold', minutes],
    ['warm', 1],
  ] as const) {
    const run = {
      ...once({ kind: 'idle', ...fleet }),
      connections: CONNECTIONS,
      perSecond: size / within / 60,
      mayFail: true,
    }
    const row = await passOf(bench, { fleet: size, objects }, run)
    const { workerd, node } = processesOf(bench.server())
    const inAll = memoryOf(workerd) + (node === undefined ? 0 : memoryOf(node))
    const afterwards =
      objects === 'cold' ? undefined : await watchAfterwards(processesOf(bench.server()), quiet)
    say({ ...row, afterwards })
    console.log(
      `  each once within ${within} min: ${row.errors} errors, ${(inAll / 1e6).toFixed(0)} MB in all, Node beside workerd included`,
    )
  }
}
