import { count } from './count.ts'

export type LogLevel = 'warn' | 'info' | 'debug'

/** Lines of the log that are counters of their own, and the field whose value is a label. */
const COUNTERS: Readonly<
  Record<string, { readonly metric: string; readonly label?: string; readonly field?: string }>
> = {
  'command:answered': { metric: 'commands_total', label: 'result', field: 'state' },
  'push:failed': { metric: 'pushes_total', label: 'result', field: 'verdict' },
  'scep:issued': { metric: 'scep_issued_total' },
  'scep:refused': { metric: 'scep_refused_total' },
}

/** Counts a line of the log, also one that is not written. Fields beside the listed ones are never read. */
export function countLine(
  level: LogLevel,
  event: string,
  detail: Readonly<Record<string, unknown>>,
): void {
  count('log_lines_total', { level, event })
  const counter = COUNTERS[event]
  if (counter) {
    const { metric, label, field = '' } = counter
    count(metric, label === undefined ? {} : { [label]: String(detail[field]) })
  }
}
