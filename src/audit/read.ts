import type { AuditLink, AuditRow } from '../keys/audit-row.ts'
import { lookAtMonth, monthOf, newestMonth, objectNameOf, type Month } from './months.ts'
import type { AuditFilter } from './rows.ts'
import { writeAudit, type AuditNamespace } from './write.ts'

/** Where a page begins: behind this row, in its month. */
export interface AuditPlace {
  readonly month: Month
  readonly seq: number
}

export interface AuditQuery extends AuditFilter {
  readonly after?: AuditPlace | undefined
  readonly limit: number
}

export interface AuditPage {
  readonly rows: readonly AuditRow[]
  /** Of the next page; absent on the last one. */
  readonly next?: AuditPlace
}

/** The age at which rows are deleted, in days, and the present time. */
interface AuditTime {
  readonly days: number
  readonly now: number
}

/** Above every row's number. */
const NEWEST = Number.MAX_SAFE_INTEGER
/** Months that one page looks through: a rare filter goes on with the next page. */
const MOST_MONTHS = 20

/** Rows of all months, newest first. A page may have fewer rows than its limit, and a next page. */
export async function readAudit(
  env: AuditNamespace,
  { after, limit, ...filter }: AuditQuery,
  { days, now }: AuditTime,
): Promise<AuditPage> {
  const newest = after ? undefined : await newestMonth(env, now, days)
  let place = after ?? (newest && { month: newest.month, seq: NEWEST })
  const found: { readonly row: AuditRow; readonly month: Month }[] = []
  for (let months = 0; place !== undefined && months < MOST_MONTHS; months++) {
    const { month, seq }: AuditPlace = place
    const stub = env.AUDIT.getByName(objectNameOf(month))
    const { rows, former } = await stub.page(seq, limit + 1 - found.length, filter)
    found.push(...rows.map((row) => ({ row, month })))
    const last = found[limit - 1]
    if (last && found.length > limit) {
      const next = { month: last.month, seq: last.row.seq }
      return { rows: found.slice(0, limit).map(({ row }) => row), next }
    }
    // A row lies in the month of its time, or in a later one.
    const goesOn = former !== undefined && former >= monthOf(filter.since ?? 0)
    place = goesOn ? { month: former, seq: NEWEST } : undefined
  }
  return { rows: found.map(({ row }) => row), ...(place && { next: place }) }
}

/**
 * Deletes the months whose last day is older than the retention. A row says so first, with the link that the
 * first of the other rows names: the start of the chain can be proven.
 */
export async function expireAudit(env: AuditNamespace, { days, now }: AuditTime): Promise<void> {
  const kept = monthOf(now - days * 86_400_000)
  const old: { readonly month: Month; readonly last: AuditLink }[] = []
  let place = await newestMonth(env, now, days)
  while (place?.view.last) {
    const { month, view } = place
    if (month < kept) {
      old.push({ month, last: place.view.last })
    }
    place = view.former === undefined ? undefined : await lookAtMonth(env, view.former)
  }
  const [newest] = old
  if (!newest) {
    return
  }
  const { month, last } = newest
  await writeAudit(
    env,
    {
      actor: { type: 'system', id: 'cron', name: 'cron' },
      via: 'cron',
      action: 'audit.expire',
      scope: 'admin',
      target: { type: 'audit', id: month },
      outcome: 'asked',
      detail: { days, last_seq: last.seq, last_hash: last.hash },
    },
    now,
  )
  // The oldest first: a month is found by the one after it.
  for (const one of old.toReversed()) {
    await env.AUDIT.getByName(objectNameOf(one.month)).clear()
  }
}
