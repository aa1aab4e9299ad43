/** The only SQL on `software_updates`. */
import type { ChosenTargets, UpdatePolicy } from '../../ddm/updates/policy.ts'
import { readAll, readOne, sql, write } from '../sql.ts'

export interface StoredPolicy {
  readonly policy: UpdatePolicy
  readonly targets: ChosenTargets
  /** Milliseconds. */
  readonly changedAt: number
}

interface PolicyRow {
  readonly policy: string
  readonly targets: string
  readonly changedAt: number
}

const SELECT = sql`SELECT policy, targets, changed_at AS changedAt FROM software_updates`

/** All policies, in the order of their names. */
export async function listPolicies(d1: D1Database): Promise<readonly StoredPolicy[]> {
  return (await readAll(d1, sql<PolicyRow>`${SELECT} ORDER BY name`)).map(readPolicy)
}

export async function findPolicy(d1: D1Database, name: string): Promise<StoredPolicy | undefined> {
  const row = await readOne(d1, sql<PolicyRow>`${SELECT} WHERE name = ${name}`)
  return row ? readPolicy(row) : undefined
}

function readPolicy({ policy, targets, changedAt }: PolicyRow): StoredPolicy {
  return { policy: JSON.parse(policy), targets: JSON.parse(targets), changedAt }
}

export async function storePolicy(
  d1: D1Database,
  { policy, targets, changedAt }: StoredPolicy,
): Promise<void> {
  await write(
    d1,
    sql`INSERT OR REPLACE INTO software_updates (name, policy, targets, changed_at)
      VALUES (${policy.name}, ${JSON.stringify(policy)}, ${JSON.stringify(targets)}, ${changedAt})`,
  )
}

export async function removePolicy(d1: D1Database, name: string): Promise<void> {
  await write(d1, sql`DELETE FROM software_updates WHERE name = ${name}`)
}
