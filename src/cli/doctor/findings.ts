import type { ServerFinding, DoctorVerdict } from './check.ts'

/** A fault among others that one check finds. */
export interface CheckFault {
  readonly level: 'warn' | 'fail'
  readonly seen: string
  readonly fix: string
}

const MOST_SHOWN = 3

/** All faults of a check as its one verdict, those that fail first; `ok` says what holds without any. */
export function combineFaults(faults: readonly CheckFault[], ok: string): DoctorVerdict {
  const failing = faults.filter(({ level }) => level === 'fail')
  const sorted = [...failing, ...faults.filter(({ level }) => level === 'warn')]
  if (sorted.length === 0) {
    return { level: 'ok', seen: ok }
  }
  const shown = sorted.slice(0, MOST_SHOWN)
  const more = sorted.length - shown.length
  return {
    level: failing.length > 0 ? 'fail' : 'warn',
    seen: [...shown.map(({ seen }) => seen), ...(more > 0 ? [`and ${more} more`] : [])].join('; '),
    fix: [...new Set(shown.map(({ fix }) => fix))].join('; '),
  }
}

/** What the server itself found. */
export function serverFault({ level, text, fix }: ServerFinding): CheckFault {
  return { level: level === 'warn' ? 'warn' : 'fail', seen: text, fix }
}
