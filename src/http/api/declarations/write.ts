import { clock } from '../../../clock.ts'
import type { ChangeTime } from '../../../directory/declarations/changes.ts'
import type { Env } from '../../../env.ts'
import { beginOffers } from '../../../jobs/declarations/begin.ts'
import { flag } from '../values.ts'

/** The query of each change. */
export const writeQuery = {
  notify: flag.default(true).openapi({
    description: '`false`: devices hear of it later, by notifyDevices',
  }),
}

/** Changes the catalog, and lets devices hear of it. */
export async function changeCatalog<Result>(
  env: Env,
  { notify }: Pick<ChangeTime, 'notify'>,
  write: (d1: D1Database, when: ChangeTime) => Promise<Result>,
): Promise<Result> {
  const result = await write(env.DB, { now: clock.now(), notify })
  if (notify) {
    await beginOffers(env)
  }
  return result
}
