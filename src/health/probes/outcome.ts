import { DAILY_LIMIT, DAILY_LIMIT_TEXT } from '../../reason.ts'
import { failed, type Finding } from '../finding.ts'

/** What a probe did and found. */
export interface ProbeOutcome {
  /** What it saw, for people. */
  readonly seen: string
  /** Each with the check that it belongs to. */
  readonly findings: readonly (Finding & { readonly id: string })[]
}

export function good(seen: string): ProbeOutcome {
  return { seen, findings: [] }
}

export function bad(id: string, text: string, fix: string): ProbeOutcome {
  return { seen: text, findings: [{ id, ...failed(text, fix) }] }
}

/** What to say when something does not work for another reason than those that are known. */
type Words = Pick<Finding, 'text' | 'fix'>

/** A call of the platform that failed. */
export function troubleWith(id: string, reason: string, { text, fix }: Words): ProbeOutcome {
  if (DAILY_LIMIT.test(reason)) {
    return bad(id, DAILY_LIMIT_TEXT, 'wait until 00:00 UTC, or take the Workers Paid plan')
  }
  return reason.startsWith('The RPC receiver does not implement')
    ? bad(id, 'objects of the release before still run', 'ask again in five minutes')
    : bad(id, `${text}: ${reason}`, fix)
}
