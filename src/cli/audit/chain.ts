/** Checks the rows of an audit, however many they are: page by page, newest first. */
import { linkOf, verifyChain, type AuditLink, type AuditRow } from '../../keys/audit-row.ts'
import { CliError } from '../error.ts'

export interface ReadChain {
  readonly rows: number
  /** The newest row. */
  readonly head: AuditLink | undefined
  readonly oldest: AuditRow | undefined
  /** What deleted rows ended with, as rows of the audit say. */
  readonly expired: ReadonlySet<string>
  /** Whether the head of an earlier check was among the rows. */
  readonly hasKnown: boolean
}

export const NOTHING_READ: ReadChain = {
  rows: 0,
  head: undefined,
  oldest: undefined,
  expired: new Set(),
  hasKnown: false,
}

const FAULTS = {
  changed: 'was changed',
  missing: 'follows a gap: rows before it are missing',
  reordered: 'stands at a wrong place',
}

/**
 * Adds a page, newest row first, to what was read.
 *
 * @param known the head of an earlier check
 * @throws CliError when the rows do not follow each other
 */
export function readOn(
  chain: ReadChain,
  page: readonly AuditRow[],
  known: AuditLink | undefined,
): ReadChain {
  const { oldest, head } = chain
  const check = verifyChain([...page.toReversed(), ...(oldest ? [oldest] : [])])
  if (check.kind === 'broken') {
    throw new CliError(`row ${check.seq} ${FAULTS[check.why]}`)
  }
  const same = page.find(({ seq }) => seq === known?.seq)
  if (same && linkOf(same).hash !== known?.hash) {
    throw new CliError(`row ${same.seq} is not the row that --head names`)
  }
  const ends = page
    .filter(({ action }) => action === 'audit.expire')
    .map(({ detail }) => endOf(Number(detail['last_seq']), String(detail['last_hash'])))
  const [newest] = page
  return {
    rows: chain.rows + page.length,
    head: head ?? (newest && linkOf(newest)),
    oldest: page.at(-1) ?? oldest,
    expired: new Set([...chain.expired, ...ends]),
    hasKnown: chain.hasKnown || same !== undefined,
  }
}

/**
 * Checks both ends of a chain that was read as a whole.
 *
 * @returns what the rows begin with, for people
 * @throws CliError when rows are missing there
 */
export function checkEnds(chain: ReadChain, known: AuditLink | undefined): string {
  const { oldest, head, expired, hasKnown } = chain
  if (known && (head?.seq ?? 0) < known.seq) {
    throw new CliError(`row ${known.seq}, which --head names, and the rows behind it are missing`)
  }
  if (!oldest) {
    return 'there are no rows'
  }
  const before = oldest.seq - 1
  const isFirst = before === 0 && oldest.prev === null
  if (!isFirst && !expired.has(endOf(before, oldest.prev ?? ''))) {
    throw new CliError(`the rows before row ${oldest.seq} are missing, and no row says why`)
  }
  const start = isFirst ? 'from the first one on' : `from row ${oldest.seq} on: older rows expired`
  return known && !hasKnown ? `${start}, and with them the one that --head names` : start
}

function endOf(seq: number, hash: string): string {
  return `${seq} ${hash}`
}
