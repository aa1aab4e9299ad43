import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { place } from '../../place/router.ts'
import type { Picks } from '../../kit/table.tsx'
import { filterPart } from './filter.ts'
import type { Selection } from './selection.ts'
import { LIST_WORDS } from './text.ts'

/** Ids that are picked; or all that match, without these ids. */
interface Picked {
  readonly isAll: boolean
  readonly ids: ReadonlySet<string>
}

const NONE: Picked = { isAll: false, ids: new Set() }

/** The devices that are picked in the list. Another filter ends the selection. */
export function usePicked(
  rows: readonly { readonly id: string }[],
  total: number | null,
): {
  readonly picks: Picks
  readonly selection: Selection | undefined
  readonly all: () => void
  readonly none: () => void
} {
  const picked = useSignal(NONE)
  const { query } = place.value
  const filter = filterPart(query).toString()
  useEffect(() => {
    picked.value = NONE
  }, [filter, picked])
  const { isAll, ids } = picked.value
  const all = (): void => {
    picked.value = { isAll: true, ids: new Set() }
  }
  const none = (): void => {
    picked.value = NONE
  }
  const isOn = isAll ? (ids.size === 0 ? true : 'some') : ids.size > 0 ? 'some' : false
  return {
    selection: selectionOf(picked.value, query),
    all,
    none,
    picks: {
      has: (id) => ids.has(id) !== isAll,
      pick: (changed, isPicked) => {
        picked.value = { isAll, ids: withIds(ids, changed, isPicked !== isAll) }
      },
      all: {
        label: LIST_WORDS.pickAll(total ?? rows.length),
        isOn,
        press: isOn === false ? all : none,
      },
    },
  }
}

function withIds(
  ids: ReadonlySet<string>,
  changed: readonly string[],
  isIn: boolean,
): ReadonlySet<string> {
  const next = new Set(ids)
  for (const id of changed) {
    if (isIn) {
      next.add(id)
    } else {
      next.delete(id)
    }
  }
  return next
}

function selectionOf({ isAll, ids }: Picked, query: URLSearchParams): Selection | undefined {
  if (isAll) {
    return { kind: 'all', query, except: [...ids] }
  }
  return ids.size > 0 ? { kind: 'ids', ids: [...ids] } : undefined
}
