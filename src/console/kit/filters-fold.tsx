import type { Signal } from '@preact/signals'
import { Button } from './button.tsx'

/** On a phone, the button that opens the filters. How many are on stands in it. */
export function FiltersFold({
  id,
  count,
  isOpen,
}: {
  readonly id: string
  readonly count: number
  readonly isOpen: Signal<boolean>
}) {
  return (
    <span class="narrow-only">
      <Button
        opens={{ id, isOpen: isOpen.value }}
        onClick={() => {
          isOpen.value = !isOpen.value
        }}
      >
        {count === 0 ? 'Filters' : `Filters (${count})`}
      </Button>
    </span>
  )
}
