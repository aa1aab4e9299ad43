import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { useKeys, type Keys } from '../place/keyboard.ts'

/** The rows of a table on the screen: which are in the page, and how keys go through them. */

/** The height of a row, which the style keeps: on a wide screen, and in two lines on a phone. */
const ROW = 40
const PHONE_ROW = 64
const VIRTUAL_ABOVE = { even: 50, uneven: 100 }
/** Rows above and below the screen that are there already when one scrolls. */
const AHEAD = 20

interface Visible {
  readonly first: number
  readonly last: number
  /** Pixels. */
  readonly height: number
}

/**
 * Which rows are on the screen, and some more; all of them on paper.
 *
 * @param kind whether all rows have one height; below a hundred rows they need not
 */
export function useVisible(
  box: { readonly current: HTMLElement | null },
  count: number,
  kind: keyof typeof VIRTUAL_ABOVE,
): Visible {
  const top = useSignal(0)
  const isPrinted = useSignal(false)
  const height = matchMedia('(max-width: 47.99rem)').matches ? PHONE_ROW : ROW
  useEffect(() => {
    const look = (): void => {
      const above = -(box.current?.getBoundingClientRect().top ?? 0)
      const row = Math.max(0, Math.floor(above / height))
      if (Math.abs(row - top.value) > AHEAD / 2 || row === 0) {
        top.value = row
      }
    }
    const print = ({ type }: Event): void => {
      isPrinted.value = type === 'beforeprint'
    }
    addEventListener('scroll', look, { passive: true })
    addEventListener('beforeprint', print)
    addEventListener('afterprint', print)
    look()
    return () => {
      removeEventListener('scroll', look)
      removeEventListener('beforeprint', print)
      removeEventListener('afterprint', print)
    }
  }, [box, top, height, isPrinted])
  if (count <= VIRTUAL_ABOVE[kind] || isPrinted.value) {
    return { first: 0, last: count, height }
  }
  const seen = Math.ceil(innerHeight / height)
  return {
    first: Math.min(Math.max(0, top.value - AHEAD), count),
    last: Math.min(count, top.value + seen + AHEAD),
    height,
  }
}

/** Lets keys go through the rows of the list on the screen. */
export function useRowKeys(more: Keys = {}): void {
  useKeys({
    j: {
      label: 'Next row',
      run: () => {
        stepRow(1)
      },
    },
    k: {
      label: 'Row before',
      run: () => {
        stepRow(-1)
      },
    },
    ...more,
  })
}

/** Moves the focus to the link of the next or the previous row; without one, of the first on the screen. */
function stepRow(by: 1 | -1): void {
  const present = rowWithFocus()
  const rows = [...document.querySelectorAll<HTMLElement>('tr[data-row]')]
  const next = present
    ? (rows.at(Math.max(0, rows.indexOf(present) + by)) ?? present)
    : rows.find((row) => row.getBoundingClientRect().top >= 0)
  const link = next?.querySelector<HTMLElement>('td:not(.pick) a')
  link?.focus({ preventScroll: true })
  next?.scrollIntoView({ block: 'nearest' })
}

/** Picks the row that has the focus, or lets it go. */
export function pickRow(): void {
  rowWithFocus()?.querySelector<HTMLElement>('.pick input')?.click()
}

function rowWithFocus(): HTMLElement | null {
  return document.activeElement?.closest<HTMLElement>('tr[data-row]') ?? null
}
