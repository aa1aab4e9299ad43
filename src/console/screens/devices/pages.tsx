import { type Signal, useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { addressOf } from '../../api/call.ts'
import type { Fault } from '../../api/fault.ts'
import { useRead } from '../../api/read.ts'
import type { AnswerOf, Parameters, Paths } from '../../api/types.ts'

type List = Paths['/api/devices']['get']
type Page = AnswerOf<List>
/** What the list is asked for. */
export type ListQuery = NonNullable<Parameters<List>['query']>
export type ListedDevice = Page['items'][number]

const PAGE = 100
/** A window of the list has a thousand rows at most. */
const MOST_PAGES = 10
/** While no event tells of changes. */
const EACH = 15_000

/** What is known of the window: old rows stay until the first page of another filter is there. */
export interface Window {
  readonly rows: readonly ListedDevice[]
  /** All that match; null while it is not known. */
  readonly total: number | null
  /** Where the next page begins; null at the end of the list. */
  readonly next: string | null
  readonly isFull: boolean
  readonly isBusy: boolean
  readonly fault: Fault | undefined
  readonly again: () => void
  readonly more: () => void
}

interface Known {
  /** The address of the list, so that pages of two filters never mix. */
  readonly of: string
  readonly pages: readonly Page[]
}

/** Reads the list page by page, as far as `more` was called. */
export function Pages({
  query,
  children,
}: {
  readonly query: ListQuery
  readonly children: (
    window: Window | undefined,
    fault: Fault | undefined,
    again: () => void,
  ) => ComponentChildren
}) {
  const of = addressOf('/api/devices', {}, query)
  const wanted = useSignal(1)
  const known = useSignal<Known>({ of: '', pages: [] })
  const fault = useSignal<Fault | undefined>(undefined)
  const total = useSignal<number | null>(null)
  const again = useRef<() => void>(() => {})
  useEffect(() => {
    wanted.value = 1
  }, [of, wanted])
  const { of: shown, pages } = known.value
  const isPresent = shown === of
  const cursors = isPresent
    ? pages.slice(0, wanted.value - 1).flatMap(({ next }) => next ?? [])
    : []
  const last = pages.at(-1)
  const window: Window | undefined = last && {
    rows: rowsOf(pages),
    total: total.value,
    next: last.next,
    isFull: pages.length >= MOST_PAGES,
    isBusy: !isPresent || pages.length < wanted.value,
    fault: fault.value,
    again: () => {
      again.current()
    },
    more: () => {
      if (isPresent && last.next !== null && pages.length < MOST_PAGES) {
        wanted.value = pages.length + 1
      }
    },
  }
  const shared = { of, query, known, fault }
  return (
    <>
      <Reader {...shared} at={0} cursor={query.cursor} again={again} total={total} />
      {cursors.map((cursor, n) => (
        <Reader key={n} {...shared} at={n + 1} cursor={cursor} />
      ))}
      {query.cursor !== undefined && <Count query={query} total={total} />}
      {children(window, fault.value, () => {
        again.current()
      })}
    </>
  )
}

/** Keeps one page as new as it can be. */
function Reader({
  of,
  query,
  at,
  cursor,
  known,
  fault,
  again,
  total,
}: {
  readonly of: string
  readonly query: ListQuery
  readonly at: number
  readonly cursor: string | undefined
  readonly known: Signal<Known>
  readonly fault: Signal<Fault | undefined>
  readonly again?: { current: () => void }
  readonly total?: Signal<number | null>
}) {
  const asked = { ...query, limit: PAGE, ...(cursor !== undefined && { cursor }) }
  const read = useRead('/api/devices', { query: asked }, { each: EACH })
  const { value, fault: failed } = read.state.value
  if (again) {
    again.current = read.again
  }
  useEffect(() => {
    if (value) {
      const before = known.value.of === of ? known.value.pages : []
      // Pages behind one that ends the list are over.
      const behind = value.next === null ? [] : before.slice(at + 1)
      known.value = { of, pages: [...before.slice(0, at), value, ...behind] }
      if (total && value.total !== null) {
        total.value = value.total
      }
    }
    fault.value = failed
  }, [value, failed, of, at, known, fault, total])
  return null
}

/** Only the first page of a list is counted. */
function Count({
  query: { cursor: _cursor, ...query },
  total,
}: {
  readonly query: ListQuery
  readonly total: Signal<number | null>
}) {
  const read = useRead('/api/devices', { query: { ...query, limit: 1 } })
  const count = read.state.value.value?.total
  useEffect(() => {
    if (typeof count === 'number') {
      total.value = count
    }
  }, [count, total])
  return null
}

/** A device that moved from one page to another meanwhile is shown once. */
function rowsOf(pages: readonly Page[]): readonly ListedDevice[] {
  return [...new Map(pages.flatMap(({ items }) => items).map((row) => [row.id, row])).values()]
}
