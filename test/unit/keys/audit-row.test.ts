import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import {
  auditFacts,
  linkOf,
  rowHash,
  verifyChain,
  type AuditEntry,
  type AuditRow,
} from '../../../src/keys/audit-row.ts'

const ENTRY: AuditEntry = {
  actor: { type: 'key', id: 'k1', name: 'ci' },
  via: 'api',
  action: 'device.erase',
  scope: 'destructive',
  target: { type: 'device', id: 'UDID' },
  outcome: 'done',
}

function rowAt(
  entry: AuditEntry,
  { at, ...place }: { seq: number; id: string; at: number; prev: string | null },
): AuditRow {
  return { ...auditFacts(entry), ...place, at: new Date(at).toISOString() }
}

function rowsOf(count: number): AuditRow[] {
  const rows: AuditRow[] = []
  for (let seq = 1; seq <= count; seq++) {
    const last = rows.at(-1)
    const prev = last ? rowHash(last) : null
    rows.push(rowAt({ ...ENTRY, detail: { n: seq } }, { seq, id: `id-${seq}`, at: seq, prev }))
  }
  return rows
}

function replaced(rows: readonly AuditRow[], at: number, change: Partial<AuditRow>): AuditRow[] {
  return rows.map((row, n) => (n === at ? { ...row, ...change } : row))
}

it('a row’s hash is what docs/audit.md says', () => {
  const [row] = rowsOf(1)
  const sha256 = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`
  const facts = sha256(
    '{"detail":{"n":1},"id":"id-1","network":null,"target":{"id":"UDID","type":"device"}}',
  )
  const rest =
    '{"action":"device.erase","actor":{"id":"k1","name":"ci","type":"key","who":null},' +
    `"at":"1970-01-01T00:00:00.001Z","facts":"${facts}","outcome":"done","prev":null,` +
    '"request_id":null,"scope":"destructive","seq":1,"via":"api"}'
  expect(row && rowHash(row)).toBe(sha256(rest))
})

it('a whole chain is whole, also from its middle on', () => {
  const rows = rowsOf(6)
  expect(verifyChain(rows)).toEqual({ kind: 'whole' })
  expect(verifyChain(rows.slice(3))).toEqual({ kind: 'whole' })
  expect(verifyChain(rows.slice(3), rows[2] && linkOf(rows[2]))).toEqual({ kind: 'whole' })
  expect(verifyChain([])).toEqual({ kind: 'whole' })
})

it.each<[string, Partial<AuditRow>]>([
  ['actor', { actor: { type: 'key', id: 'k2', name: 'ci', who: null } }],
  ['who', { actor: { type: 'key', id: 'k1', name: 'ci', who: 'eve' } }],
  ['time', { at: '1970-01-01T00:00:00.009Z' }],
  ['action', { action: 'device.push' }],
  ['target', { target: { type: 'device', id: 'OTHER' } }],
  ['no target', { target: null }],
  ['outcome', { outcome: '403 missing_scope' }],
  ['detail', { detail: { n: '3' } }],
  ['network', { network: '192.0.2.0' }],
  ['id', { id: 'other' }],
  ['request', { request_id: 'r' }],
  ['scope', { scope: 'command' }],
  ['face', { via: 'cron' }],
])('finds a row whose %s was changed', (_, change) => {
  const rows = replaced(rowsOf(5), 2, change)
  expect(verifyChain(rows)).toEqual({ kind: 'broken', seq: 3, why: 'changed' })
})

it('finds a missing row, also when the rows behind it were numbered anew', () => {
  const rows = rowsOf(5)
  const without = rows.filter(({ seq }) => seq !== 3)
  expect(verifyChain(without)).toEqual({ kind: 'broken', seq: 4, why: 'missing' })
  const renumbered = without.map((row, n) => ({ ...row, seq: n + 1 }))
  expect(verifyChain(renumbered)).toEqual({ kind: 'broken', seq: 2, why: 'changed' })
})

it('finds rows in another order, and a row that stands twice', () => {
  const [one, two, three, four] = rowsOf(4)
  const all = [one, two, three, four].filter((row) => row !== undefined)
  const at = (order: readonly number[]) => order.flatMap((n) => all[n] ?? [])
  expect(verifyChain(at([0, 2, 1, 3]))).toEqual({ kind: 'broken', seq: 3, why: 'reordered' })
  expect(verifyChain(at([0, 1, 1, 2]))).toEqual({ kind: 'broken', seq: 2, why: 'reordered' })
})

it('finds a row that was put in, and a start that is not the one expected', () => {
  const rows = rowsOf(4)
  const [, second, third] = rows
  const forged = third && { ...third, prev: second ? rowHash(second) : null, outcome: 'forged' }
  expect(verifyChain([...rows.slice(0, 2), ...(forged ? [forged] : []), ...rows.slice(3)])).toEqual(
    {
      kind: 'broken',
      seq: 3,
      why: 'changed',
    },
  )
  expect(verifyChain(rows.slice(1), { seq: 1, hash: 'sha256:other' })).toEqual({
    kind: 'broken',
    seq: 1,
    why: 'changed',
  })
  expect(verifyChain(rows.slice(2), { seq: 1, hash: 'x' })).toMatchObject({ why: 'missing' })
})

it('cuts texts, lists and facts of any length, and keeps whole characters', () => {
  const long = '😀'.repeat(100_000)
  const row = rowAt(
    {
      ...ENTRY,
      actor: { type: 'key', id: long, name: long, who: long },
      action: long,
      target: { type: long, id: long },
      outcome: long,
      requestId: long,
      network: long,
      detail: {
        text: long,
        list: Array.from({ length: 5000 }, () => long),
        nan: Number.NaN,
        half: '\ud83d',
        ...Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`${n}${long}`, long])),
      },
    },
    { seq: 1, id: 'id', at: 0, prev: null },
  )
  expect(JSON.stringify(row).length).toBeLessThan(10_000)
  expect(Object.keys(row.detail)).toHaveLength(20)
  expect(row.actor.who).toHaveLength(300)
  const [, ...halves] = JSON.stringify(row).match(/\\ud[89a-f]/g) ?? ['']
  expect(halves).toEqual([])
  const read: AuditRow = JSON.parse(JSON.stringify(row))
  expect(rowHash(read)).toBe(rowHash(row))
})

it('keeps facts with the names of an object’s own properties', () => {
  const detail = JSON.parse('{"__proto__":"x","constructor":"y","2":"b","1":"a"}')
  const row = rowAt({ ...ENTRY, detail }, { seq: 1, id: 'id', at: 0, prev: null })
  expect(Object.entries(row.detail)).toContainEqual(['__proto__', 'x'])
  expect(rowHash(JSON.parse(JSON.stringify(row)))).toBe(rowHash(row))
})

it('a row of control characters has a bound too', () => {
  const long = '\u0001'.repeat(5000)
  const detail = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`${n}`, [long, long]]))
  const entry = {
    ...ENTRY,
    detail,
    outcome: long,
    action: long,
    actor: { ...ENTRY.actor, name: long },
  }
  const row = rowAt(entry, { seq: 1, id: 'id', at: 0, prev: null })
  expect(JSON.stringify(row).length).toBeLessThan(20_000)
  expect(row.detail).toMatchObject({ '0': expect.any(Array), '19': '…' })
})
