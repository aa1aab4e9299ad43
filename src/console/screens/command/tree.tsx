import { useSignal } from '@preact/signals'
import type { Json } from '../../composer/draft.ts'
import { isJsonKeys } from '../../composer/draft.ts'
import { Button } from '../../kit/button.tsx'

/** How many entries of a long list are shown at a time. */
const PAGE = 100
/** A longer text is cut; the raw answer has it whole. */
const LONG = 2000
/** Deeper parts are opened by a click. */
const OPEN_TO = 1

/** A value of any form, as a list of names that open. */
export function Tree({ value, depth = 0 }: { readonly value: Json; readonly depth?: number }) {
  const shown = useSignal(PAGE)
  const entries = entriesOf(value)
  if (!entries) {
    return <Leaf value={value} />
  }
  if (entries.length === 0) {
    return <span class="dim">{Array.isArray(value) ? 'empty list' : 'empty'}</span>
  }
  return (
    <ul class="tree">
      {entries.slice(0, shown.value).map(([name, inner]) => (
        <li key={name}>
          <Branch name={name} value={inner} depth={depth} />
        </li>
      ))}
      {entries.length > shown.value && (
        <li>
          <Button
            tone="quiet"
            onClick={() => {
              shown.value += PAGE
            }}
          >
            Show more of {entries.length.toLocaleString('en-GB')}
          </Button>
        </li>
      )}
    </ul>
  )
}

function Branch({
  name,
  value,
  depth,
}: {
  readonly name: string
  readonly value: Json
  readonly depth: number
}) {
  const isOpen = useSignal(depth < OPEN_TO)
  const entries = entriesOf(value)
  if (!entries || entries.length === 0) {
    return (
      <>
        <span class="name">{name}</span> <Tree value={value} />
      </>
    )
  }
  return (
    <details
      open={isOpen.value}
      onToggle={(event) => {
        isOpen.value = event.currentTarget.open
      }}
    >
      <summary>
        <span class="name">{name}</span> <span class="dim">{entries.length}</span>
      </summary>
      {isOpen.value && <Tree value={value} depth={depth + 1} />}
    </details>
  )
}

function Leaf({ value }: { readonly value: Json }) {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const cut = text.length > LONG ? `${text.slice(0, LONG)}…` : text
  return <span class={typeof value === 'string' ? 'text' : 'mono'}>{cut}</span>
}

function entriesOf(value: Json): readonly (readonly [string, Json])[] | undefined {
  if (Array.isArray(value)) {
    const items: readonly Json[] = value
    return items.map((item, n) => [String(n + 1), item])
  }
  return isJsonKeys(value) ? Object.entries(value) : undefined
}
