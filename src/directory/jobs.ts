import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import { behind, counted, type Counted, inOrder, type PageOf } from './order.ts'
import { jobs } from './schema.ts'

export interface ListedJob {
  readonly createdAt: number
  readonly id: string
}

/** Lists a job from now on; its object alone knows how far it is. */
export async function addJob(db: D1Database, job: ListedJob): Promise<void> {
  await drizzle(db).insert(jobs).values(job).onConflictDoNothing()
}

/** A page of jobs. */
export async function listJobs(
  d1: D1Database,
  { sort, after, limit }: PageOf<'created_at'>,
): Promise<Counted<ListedJob>> {
  const order = { by: jobs.createdAt, id: jobs.id, descending: sort.descending }
  const db = drizzle(d1)
  const rows = db
    .select()
    .from(jobs)
    .where(behind(order, after))
    .orderBy(...inOrder(order))
    .limit(limit + 1)
  return counted(rows, after, () => db.$count(jobs))
}

export async function removeJob(db: D1Database, id: string): Promise<void> {
  await drizzle(db).delete(jobs).where(eq(jobs.id, id))
}
