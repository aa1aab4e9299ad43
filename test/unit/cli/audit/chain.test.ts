import { expect, it } from 'vitest'
import { checkEnds, NOTHING_READ, readOn } from '../../../../src/cli/audit/chain.ts'
import {
  auditFacts,
  linkOf,
  rowHash,
  type AuditEntry,
  type AuditLink,
  type AuditRow,
} from '../../../../src/keys/audit-row.ts'

const ENTRY: AuditEntry = {
  actor: { type: 'key', id: 'k1', name: 'ci' },
  via: 'api',
  action: 'device.push',
  scope: 'command',
  outcome: 'done',
}

function rowAt(entry: AuditEntry, seq: number, prev: string | null): AuditRow {
  return { ...auditFacts(entry), seq, id: `${seq}`, at: new Date(seq).toISOString(), prev }
}

/** Rows, newest first. The one at `expire` says that the rows up to number 3 expired. */
function rowsOf(count: number, expire = 0): AuditRow[] {
  const rows: AuditRow[] = []
  for (let seq = 1; seq <= count; seq++) {
    const third = rows[2]
    const expired = seq === expire && third && linkOf(third)
    const entry = expired
      ? {
          ...ENTRY,
          action: 'audit.expire',
          detail: { last_seq: expired.seq, last_hash: expired.hash },
        }
      : ENTRY
    const last = rows.at(-1)
    rows.push(rowAt(entry, seq, last ? rowHash(last) : null))
  }
  return rows.toReversed()
}

function check(rows: readonly AuditRow[], known?: AuditLink, size = 3): string {
  let chain = NOTHING_READ
  for (let at = 0; at < rows.length; at += size) {
    chain = readOn(chain, rows.slice(at, at + size), known)
  }
  return checkEnds(chain, known)
}

const linkAt = (rows: readonly AuditRow[], seq: number): AuditLink | undefined => {
  const row = rows.find((one) => one.seq === seq)
  return row && linkOf(row)
}

it('a whole audit is good, in pages of any size', () => {
  for (const size of [1, 2, 3, 8, 100]) {
    expect(check(rowsOf(8), undefined, size)).toBe('from the first one on')
  }
  expect(check([])).toBe('there are no rows')
})

it('finds a change within a page, and between two pages', () => {
  for (const seq of [1, 2, 3, 4, 5, 6, 7]) {
    const rows = rowsOf(8).map((row) => (row.seq === seq ? { ...row, outcome: 'x' } : row))
    expect(() => check(rows)).toThrow(`row ${seq} was changed`)
  }
})

it('finds missing rows within a page, between two pages, and at the start', () => {
  for (const seq of [2, 3, 4, 5, 6, 7]) {
    const rows = rowsOf(8).filter((row) => row.seq !== seq)
    expect(() => check(rows)).toThrow(`row ${seq + 1} follows a gap`)
  }
  expect(() => check(rowsOf(8).slice(0, -1))).toThrow('the rows before row 2 are missing')
})

it('an audit whose old rows expired says so itself', () => {
  const rows = rowsOf(8, 7).slice(0, 5)
  expect(check(rows)).toBe('from row 4 on: older rows expired')
  expect(() => check(rows.slice(0, -1))).toThrow('the rows before row 5 are missing')
  expect(() => check(rowsOf(8).slice(0, 5))).toThrow('the rows before row 4 are missing')
})

it('the head of an earlier check shows that the newest rows are gone, or all are others', () => {
  const rows = rowsOf(8)
  expect(check(rows, linkAt(rows, 8))).toBe('from the first one on')
  expect(check(rows, linkAt(rows, 5))).toBe('from the first one on')
  expect(() => check(rows.slice(2), linkAt(rows, 7))).toThrow('row 7, which --head names, and')
  expect(() => check([], linkAt(rows, 7))).toThrow('row 7, which --head names, and')
  expect(() => check(rows, { seq: 5, hash: 'sha256:other' })).toThrow('row 5 is not the row that')
  expect(check(rowsOf(8, 7).slice(0, 5), linkAt(rows, 2))).toContain('and with them the one that')
})
