import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { get } from '../../../../api/call.ts'
import { readPages } from '../../../../api/pages.ts'
import type { Parameters, Paths } from '../../../../api/types.ts'
import { Button } from '../../../../kit/button.tsx'
import { heard } from '../../../../kit/toast.tsx'
import { Meter } from '../../../../kit/badge.tsx'

export type Query = NonNullable<Parameters<Paths['/api/dep/devices']['get']>['query']>

const PAGE = 1000
/** A call of the API names no more. */
const MOST = 5000

/** Finds all devices that match, page by page: the API assigns to serial numbers, and not to a filter. */
export function SelectAll({
  query,
  total,
  onFound,
}: {
  readonly query: Query
  readonly total: number
  readonly onFound: (ids: readonly string[]) => void
}) {
  const found = useSignal<number | undefined>(undefined)
  const walk = useRef<AbortController | undefined>(undefined)
  useEffect(() => () => walk.current?.abort(), [])
  const all = total.toLocaleString('en-GB')
  const start = async (): Promise<void> => {
    const controller = new AbortController()
    walk.current = controller
    found.value = 0
    const ids = await readIds(query, controller.signal, (count) => {
      found.value = count
    })
    if (!controller.signal.aborted) {
      found.value = undefined
      if (ids) {
        onFound(ids)
      }
    }
  }
  if (found.value === undefined) {
    const most = MOST.toLocaleString('en-GB')
    return (
      <Button
        tone="quiet"
        why={total > MOST ? `More than ${most}: narrow them by a filter` : undefined}
        onClick={() => void start()}
      >
        Select all {all} that match
      </Button>
    )
  }
  const words = `${found.value.toLocaleString('en-GB')} of ${all} found`
  return (
    <span class="actions" role="status">
      <Meter value={found.value} of={total} label={words} /> {words}
      <Button
        tone="quiet"
        onClick={() => {
          walk.current?.abort()
          found.value = undefined
        }}
      >
        Stop
      </Button>
    </span>
  )
}

/** @returns `undefined` if it was stopped, or after a toast that says what failed */
async function readIds(
  query: Query,
  signal: AbortSignal,
  onPage: (count: number) => void,
): Promise<readonly string[] | undefined> {
  const answer = await readPages(
    (cursor) => get('/api/dep/devices', { query: { ...query, limit: PAGE, cursor }, signal }),
    onPage,
  )
  return !signal.aborted && heard(answer) ? answer.value.flatMap((one) => one?.id ?? []) : undefined
}
