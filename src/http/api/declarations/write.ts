import { clock } from '../../../clock.ts'
import type { ChangeTime } from '../../../directory/declarations/changes.ts'
import { changeLinks, type Link } from '../../../directory/declarations/sets.ts'
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

/** Makes a list of links what it should be: those of one set, or of one declaration. */
export async function settleLinks(
  d1: D1Database,
  { before, wanted, link }: LinkList,
  when: ChangeTime,
): Promise<boolean> {
  const add = wanted.filter((name) => !before.includes(name)).map(link)
  const remove = before.filter((name) => !wanted.includes(name)).map(link)
  return (await changeLinks(d1, { add, remove }, when)) === 'changed'
}

interface LinkList {
  readonly before: readonly string[]
  readonly wanted: readonly string[]
  readonly link: (name: string) => Link
}
