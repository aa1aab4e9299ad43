import { and, desc, eq, lt, or } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import { jobs } from './schema.ts'

/** Where a page of jobs begins: behind this one. */
export interface JobPlace {
  readonly createdAt: number
  readonly id: string
}

/** Lists a job from now on; its object alone knows how far it is. */
export async function addJob(db: D1Database, job: JobPlace): Promise<void> {
  await drizzle(db).insert(jobs).values(job).onConflictDoNothing()
}

/** The jobs behind a place, newest first. */
export async function listJobs(
  db: D1Database,
  after: JobPlace | undefined,
  limit: number,
): Promise<JobPlace[]> {
  return drizzle(db)
    .select()
    .from(jobs)
    .where(
      after &&
        or(
          lt(jobs.createdAt, after.createdAt),
          and(eq(jobs.createdAt, after.createdAt), lt(jobs.id, after.id)),
        ),
    )
    .orderBy(desc(jobs.createdAt), desc(jobs.id))
    .limit(limit)
}

export async function removeJob(db: D1Database, id: string): Promise<void> {
  await drizzle(db).delete(jobs).where(eq(jobs.id, id))
}
