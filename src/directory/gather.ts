import { inTime } from '../clock.ts'

/** Runs `run` for an item and for those of other requests that come at the same time. */
export type Gathered<Item, Answer> = (
  d1: D1Database,
  item: Item,
  background: (work: Promise<unknown>) => void,
) => Promise<Answer>

interface Group<Item, Answer> {
  readonly items: Item[]
  readonly answers: Promise<readonly PromiseSettledResult<Answer>[]>
}

/** The most items of one batch. */
const MOST = 100
/** How long a group waits for the one before it, whose request may have been ended. */
const PATIENCE = 5000

/**
 * While one batch of D1 is under way, the items of this isolate gather for the next: under load they share a
 * round trip and a commit. A group belongs to the request of its first item, and `background` keeps that
 * request alive. `run` has to answer for each item, and may be repeated: when a batch fails, each item is
 * run alone, so that one device costs the others nothing.
 */
export function gather<Item, Answer>(
  run: (d1: D1Database, items: readonly Item[]) => Promise<readonly Answer[]>,
): Gathered<Item, Answer> {
  let open: Group<Item, Answer> | undefined
  let last: Promise<unknown> | undefined

  function begin(d1: D1Database): Group<Item, Answer> {
    const items: Item[] = []
    const before = last
    const answers = (async () => {
      // Also without one before it: its first item joins it now.
      await (before && inTime(PATIENCE, before).catch(() => {}))
      if (open?.items === items) {
        open = undefined
      }
      return settle(run, d1, items)
    })()
    const ended = answers.then(() => {
      if (last === ended) {
        last = undefined
      }
    })
    last = ended
    return { items, answers }
  }

  return async (d1, item, background) => {
    if (open === undefined || open.items.length >= MOST) {
      open = begin(d1)
      background(open.answers)
    }
    const { items, answers } = open
    const place = items.push(item) - 1
    const answer = (await inTime(2 * PATIENCE, answers))[place]
    if (answer?.status !== 'fulfilled') {
      throw answer?.reason
    }
    return answer.value
  }
}

async function settle<Item, Answer>(
  run: (d1: D1Database, items: readonly Item[]) => Promise<readonly Answer[]>,
  d1: D1Database,
  items: readonly Item[],
): Promise<PromiseSettledResult<Answer>[]> {
  try {
    return await Promise.allSettled(await run(d1, items))
  } catch (reason) {
    return items.length === 1
      ? [{ status: 'rejected', reason }]
      : (await Promise.all(items.map((item) => settle(run, d1, [item])))).flat()
  }
}
