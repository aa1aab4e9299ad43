import { type Counted, type PageOf, readPage } from './order.ts'
import { insert, sql, write } from './sql.ts'

export interface ListedJob {
  readonly createdAt: number
  readonly id: string
}

/** Lists a job; a job that has begun anew moves in the list. Its object alone knows its progress. */
export async function addJob(d1: D1Database, { id, createdAt }: ListedJob): Promise<void> {
  const again = sql`ON CONFLICT (id) DO UPDATE SET created_at = excluded.created_at`
  await write(d1, insert('jobs', { id, createdAt }, again))
}

export function listJobs(d1: D1Database, page: PageOf<'created_at'>): Promise<Counted<ListedJob>> {
  return readPage(d1, { table: 'jobs', keys: ['id', 'createdAt'], by: 'createdAt', id: 'id' }, page)
}

export async function removeJob(d1: D1Database, id: string): Promise<void> {
  await write(d1, sql`DELETE FROM jobs WHERE id = ${id}`)
}
