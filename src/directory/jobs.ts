import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import { type Counted, type PageOf, readPage } from './order.ts'
import { jobs } from './schema.ts'

export interface ListedJob {
  readonly createdAt: number
  readonly id: string
}

/** Lists a job; a job that has begun anew moves in the list. Its object alone knows its progress. */
export async function addJob(db: D1Database, job: ListedJob): Promise<void> {
  const { createdAt } = job
  await drizzle(db)
    .insert(jobs)
    .values(job)
    .onConflictDoUpdate({ target: jobs.id, set: { createdAt } })
}

export async function listJobs(
  d1: D1Database,
  page: PageOf<'created_at'>,
): Promise<Counted<ListedJob>> {
  const db = drizzle(d1)
  const list = { table: jobs, by: jobs.createdAt, id: jobs.id }
  return readPage(db, db.select().from(jobs).$dynamic(), list, page)
}

export async function removeJob(db: D1Database, id: string): Promise<void> {
  await drizzle(db).delete(jobs).where(eq(jobs.id, id))
}
