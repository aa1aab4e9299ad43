import type { Outcome } from './drive.ts'
import { cpuOf, memoryOf, objectsOf, type Afterwards, type Processes } from './usage.ts'

/** One kind of operation on one fleet, in one state of its objects. */
export interface Row extends Rates {
  readonly fleet: number
  readonly kind: string
  /** New: never there before. Cold: after a restart. Warm: visited a moment ago. */
  readonly objects: 'new' | 'cold' | 'warm'
  /** Objects in memory, and bytes of workerd in memory. */
  readonly objectsBefore: number
  readonly objectsAfter: number
  readonly memoryBefore: number
  readonly memoryAfter: number
  /** For each operation, until a second after the last one. */
  readonly fsyncs?: number | undefined
  readonly afterwards?: Afterwards | undefined
}

export interface Rates {
  readonly perSecond: number
  /** Milliseconds. */
  readonly median: number
  readonly p99: number
  /** Milliseconds of server CPU an operation, and seconds of the load generator's CPU a second. */
  readonly serverCpu: number
  readonly loadCpu: number
  readonly errors: number
  readonly firstError: string
}

export interface Look {
  readonly cpu: number
  readonly objects: number
  readonly memory: number
}

export function look(processes: Processes, className: string): Look {
  return {
    cpu: cpuOf(processes),
    objects: objectsOf(processes.workerd, className),
    memory: memoryOf(processes.workerd),
  }
}

export function rowOf(
  what: Pick<Row, 'fleet' | 'kind' | 'objects'>,
  outcome: Outcome,
  before: Look,
  after: Look,
): Row {
  return {
    ...what,
    ...ratesOf(outcome, after.cpu - before.cpu),
    objectsBefore: before.objects,
    objectsAfter: after.objects,
    memoryBefore: before.memory,
    memoryAfter: after.memory,
  }
}

export function ratesOf(outcome: Outcome, cpu: number): Rates {
  const { operations, seconds, median, p99, errors, firstError } = outcome
  return {
    perSecond: operations / seconds,
    median,
    p99,
    serverCpu: (cpu * 1000) / operations,
    loadCpu: outcome.cpu / seconds,
    errors,
    firstError,
  }
}
