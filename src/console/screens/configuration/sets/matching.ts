import { get, type Answer } from '../../../api/call.ts'
import type { Parameters, Paths } from '../../../api/types.ts'
import { heard } from '../../../kit/toast.tsx'

type Query = Parameters<Paths['/api/devices']['get']>['query']

const PAGE = 1000
/** More go by a rule: a device that enrols later belongs to it too. */
export const MOST_MATCHING = 10_000
export const TOO_MANY = `More than ${MOST_MATCHING.toLocaleString('en-GB')}: use a rule`

/** Reads the ids of all devices that match. @returns `undefined` after a toast that says what failed */
export async function idsMatching(query: Query): Promise<readonly string[] | undefined> {
  return idsIn((cursor) => get('/api/devices', { query: { ...query, ...cursor, sort: 'id' } }))
}

/** Reads the ids of all members of a set. */
export async function membersOf(id: string): Promise<readonly string[] | undefined> {
  return idsIn((cursor) => get('/api/sets/{id}/members', { path: { id }, query: cursor }))
}

type Page = Answer<{
  readonly items: readonly { readonly id: string }[]
  readonly next: string | null
}>

async function idsIn(
  read: (page: { readonly limit: number; readonly cursor?: string }) => Promise<Page>,
): Promise<readonly string[] | undefined> {
  const ids: string[] = []
  let cursor: string | null = ''
  while (cursor !== null && ids.length < MOST_MATCHING) {
    const answer: Page = await read({ limit: PAGE, ...(cursor !== '' && { cursor }) })
    if (!heard(answer)) {
      return undefined
    }
    ids.push(...answer.value.items.map(({ id }) => id))
    cursor = answer.value.next
  }
  return ids
}
