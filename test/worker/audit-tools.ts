import { runInDurableObject } from 'cloudflare:test'
import { monthOf, objectNameOf } from '../../src/audit/months.ts'
import type { Audit } from '../../src/audit/object.ts'
import { writeAudit, type AuditNamespace } from '../../src/audit/write.ts'
import type { AuditEntry, AuditRow } from '../../src/keys/audit-row.ts'
import { clock } from './clock.ts'
import { api, env } from './server.ts'

/** Of rows that no request of a test leaves. */
export const OWN_ACTION = 'test.change'

/** Adds a row to the audit, as the gate does. */
export async function audited(entry: Partial<AuditEntry> = {}, now = clock.now()): Promise<void> {
  await writeAudit(
    env as unknown as AuditNamespace,
    {
      actor: { type: 'key', id: 'k1', name: 'ci' },
      via: 'api',
      action: OWN_ACTION,
      scope: 'config',
      outcome: 'done',
      ...entry,
    },
    now,
  )
}

export const DAY = 86_400_000

export function monthNow(): string {
  return monthOf(clock.now())
}

export function auditOf(month = monthNow()): DurableObjectStub<Audit> {
  return env.AUDIT.getByName(objectNameOf(month))
}

/** The table of a month, oldest row first; empty in an object without it. */
export async function storedRows(month: string): Promise<{ listeners: string | null }[]> {
  return runInDurableObject(auditOf(month), (_, { storage: { sql } }) => {
    const [table] = sql.exec("SELECT name FROM sqlite_master WHERE name = 'audit'").toArray()
    return table
      ? sql.exec<{ listeners: string | null }>('SELECT listeners FROM audit ORDER BY seq').toArray()
      : []
  })
}

interface Page {
  readonly items: AuditRow[]
  readonly next: string | null
}

/** All rows that `GET /api/audit` shows, newest first. */
export async function allRows(query = ''): Promise<AuditRow[]> {
  const rows: AuditRow[] = []
  let next: string | null = ''
  while (next !== null) {
    const { status, body }: { status: number; body: Page } = await api<Page>(
      'GET',
      `/api/audit?cursor=${next}${query}`,
    )
    if (status !== 200) {
      throw new Error(JSON.stringify(body))
    }
    rows.push(...body.items)
    next = body.next
  }
  return rows
}

/** What the examples of the API speak of. */
export const AUDITED = {
  listAudit: async () => {
    await audited({
      actor: { type: 'key', id: 'k1', name: 'helpdesk', who: 'ada' },
      target: { type: 'device', id: 'UDID' },
      requestId: 'request',
      network: '203.0.113.0',
      detail: { reason: 'lost' },
    })
    await audited()
    return {}
  },
}
