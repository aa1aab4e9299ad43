/** Lists of Cloudflare's API. */
import { type CloudflareApi, CloudflareError } from './api.ts'

const AT_ONCE = 8

/** The body of an answer, or one with `absent` where there is nothing. */
export function parsed(text: string | undefined, absent: unknown) {
  return text === undefined ? { result: absent } : JSON.parse(text)
}

/** For a call that the rights of a token may not include: its refusal is no answer. */
export function ifForbidden(error: unknown): undefined {
  if (!(error instanceof CloudflareError) || error.status !== 403) {
    throw error
  }
}

/** The names of all Workers of an account. */
export async function listWorkers(api: CloudflareApi, at: string): Promise<readonly string[]> {
  const { result }: { result: { id: string }[] } = parsed(
    await api.read(`${at}/workers/scripts`),
    [],
  )
  return result.map(({ id }) => id)
}

/** {@link Promise.all} over some items at a time. */
export async function mapSome<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  for (let from = 0; from < items.length; from += AT_ONCE) {
    results.push(...(await Promise.all(items.slice(from, from + AT_ONCE).map(work))))
  }
  return results
}
