import { clock } from '../../clock.ts'
import { inBackground } from '../../guard.ts'
import { CONTROL_NAME } from '../../figures/report.ts'
import type { AppContext } from '../app-env.ts'

/** So many wrong keys are reported together, and fewer after a minute. */
const BATCH = 10
const LATEST = 60_000
/** An isolate under attack reports no more often than this. */
const SOONEST = 10_000
/** Further networks are counted together. */
const MAX_NETWORKS = 100
const OTHERS = 'others'

/** What this isolate has counted since its last report. A part is lost with the isolate: it is a warning. */
let counted = new Map<string, number>()
let failures = 0
let firstAt = 0
let reportedAt = -Infinity

/** Counts a wrong key of a network, for the event `auth.failing`. */
export function noteFailure(c: AppContext, network: string): void {
  const now = clock.now()
  firstAt = failures === 0 ? now : firstAt
  failures += 1
  const name = counted.size < MAX_NETWORKS || counted.has(network) ? network : OTHERS
  counted.set(name, (counted.get(name) ?? 0) + 1)
  const isDue = (failures >= BATCH && now - reportedAt >= SOONEST) || now - firstAt >= LATEST
  if (isDue) {
    const report = Object.fromEntries(counted)
    counted = new Map()
    failures = 0
    reportedAt = now
    inBackground(c.executionCtx, c.env.CONTROL.getByName(CONTROL_NAME).noteFailures(report))
  }
}
