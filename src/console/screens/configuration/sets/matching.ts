import { get } from '../../../api/call.ts'
import { readPages } from '../../../api/pages.ts'
import type { Parameters, Paths } from '../../../api/types.ts'
import { heard } from '../../../kit/toast.tsx'

type Query = Parameters<Paths['/api/devices']['get']>['query']

const PAGE = 1000
/** More go by a rule: a device that enrols later belongs to it too. */
export const MOST_MATCHING = 10_000
export const TOO_MANY = `More than ${MOST_MATCHING.toLocaleString('en-GB')}: use a rule`

/** Reads the ids of all devices that match. @returns `undefined` after a toast that says what failed */
export async function idsMatching(query: Query): Promise<readonly string[] | undefined> {
  const answer = await readPages((cursor) =>
    get('/api/devices', { query: { ...query, limit: PAGE, cursor, sort: 'id' } }),
  )
  return heard(answer) ? answer.value.map(({ id }) => id) : undefined
}

/** Reads the ids of all members of a set, however many there are. */
export async function membersOf(id: string): Promise<readonly string[] | undefined> {
  const answer = await readPages((cursor) =>
    get('/api/sets/{id}/members', { path: { id }, query: { limit: PAGE, cursor } }),
  )
  return heard(answer) ? answer.value.map((member) => member.id) : undefined
}
