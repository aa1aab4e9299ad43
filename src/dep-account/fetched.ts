/** The devices of a full fetch: those that it did not contain have left the account. */
import { clock } from '../clock.ts'
import { markAbsent } from '../directory/dep/devices.ts'
import { save, type OpenAccount } from './state.ts'
import { tellDep } from './tell.ts'

const PAGE = 'page:'
/** Serial numbers of one statement: as JSON they are far below 2 MB. */
const RANGE = 20_000

/** Keeps the serial numbers of a page until the full fetch is complete. */
export function keepPage(account: OpenAccount, serials: readonly string[]): void {
  const { pages } = account.state
  account.ctx.storage.kv.put(`${PAGE}${pages}`, serials)
  save(account, { pages: pages + 1 })
}

export function dropPages({ ctx }: OpenAccount): void {
  // A list that is being read must not change.
  const keys = Array.from(ctx.storage.kv.list({ prefix: PAGE }), ([key]) => key)
  for (const key of keys) {
    ctx.storage.kv.delete(key)
  }
}

/** Marks the devices that no page contained. A crash before its end repeats it. */
export async function finishFetch(account: OpenAccount): Promise<void> {
  const { env, id, ctx } = account
  const pages = [...ctx.storage.kv.list<readonly string[]>({ prefix: PAGE })]
  const present = [...new Set(pages.flatMap(([, serials]) => serials))].sort(inBytes)
  const now = clock.now()
  const removed: string[] = []
  let after = ''
  for (let at = 0; at === 0 || at < present.length; at += RANGE) {
    const range = present.slice(at, at + RANGE)
    const until = at + RANGE < present.length ? range.at(-1) : undefined
    removed.push(...(await markAbsent(env.DB, id, { after, until, present: range }, now)))
    after = until ?? ''
  }
  if (removed.length > 0) {
    const none = { added: [], changed: [], full: true }
    await tellDep(env, id, { topic: 'dep.device', about: { ...none, removed } })
  }
  await tellDifferences(account, removed.length)
  dropPages(account)
  save(account, { pages: 0, fullAt: now })
}

/** The first full fetch finds everything; a later one only what the stream of changes has left out. */
async function tellDifferences({ env, id, state }: OpenAccount, removed: number): Promise<void> {
  const { added = 0, changed = 0 } = state.run?.found ?? {}
  if (state.fullAt > 0 && added + changed + removed > 0) {
    const about = { differences: { added, changed, removed } }
    await tellDep(env, id, { topic: 'dep.account', about })
  }
}

/** SQLite's order of texts. Serial numbers are ASCII. */
function inBytes(one: string, other: string): number {
  return one < other ? -1 : Number(one > other)
}
