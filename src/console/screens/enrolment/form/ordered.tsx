import type { ComponentChildren } from 'preact'
import { Button } from '../../../kit/button.tsx'
import { moved } from './fields.ts'

/** A list whose order counts: items move up and down, and go. */
export function Ordered<Item>({
  items,
  titleOf,
  onChange,
  children,
}: {
  readonly items: readonly Item[]
  /** Names an item, for its heading and its buttons. */
  readonly titleOf: (item: Item, n: number) => ComponentChildren
  readonly onChange: (items: readonly Item[]) => void
  readonly children: (item: Item, change: (item: Item) => void, n: number) => ComponentChildren
}) {
  return (
    <ol class="ordered">
      {items.map((item, n) => (
        <li key={n} class="card">
          <header class="bar">
            <h3>
              {n + 1}. {titleOf(item, n)}
            </h3>
            <span class="actions">
              <Move
                label={`Move ${n + 1} up`}
                sign="↑"
                why={n === 0 ? 'It is the first' : undefined}
                to={() => {
                  onChange(moved(items, n, n - 1))
                }}
              />
              <Move
                label={`Move ${n + 1} down`}
                sign="↓"
                why={n === items.length - 1 ? 'It is the last' : undefined}
                to={() => {
                  onChange(moved(items, n, n + 1))
                }}
              />
              <Button
                tone="quiet"
                label={`Remove ${n + 1}`}
                onClick={() => {
                  onChange(items.toSpliced(n, 1))
                }}
              >
                Remove
              </Button>
            </span>
          </header>
          {children(
            item,
            (changed) => {
              onChange(items.with(n, changed))
            },
            n,
          )}
        </li>
      ))}
    </ol>
  )
}

function Move({
  label,
  sign,
  why,
  to,
}: {
  readonly label: string
  readonly sign: string
  readonly why: string | undefined
  readonly to: () => void
}) {
  return (
    <Button tone="quiet" label={label} why={why} onClick={to}>
      {sign}
    </Button>
  )
}
