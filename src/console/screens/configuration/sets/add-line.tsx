import { useSignal } from '@preact/signals'
import { Button } from '../../../kit/button.tsx'
import { Choice } from '../../../kit/field.tsx'

/** Chooses one more, and puts it into the set. */
export function AddLine({
  what,
  of,
  why,
  onAdd,
}: {
  /** The noun: what is chosen. */
  readonly what: string
  readonly of: readonly string[]
  readonly why: string | undefined
  readonly onAdd: (chosen: string) => Promise<unknown>
}) {
  const chosen = useSignal('')
  return (
    <div class="add-line">
      <Choice
        label={`Another ${what}`}
        value={chosen.value}
        none={of.length === 0 ? `No other ${what}` : `Choose a ${what}`}
        of={of.map((id) => [id, id])}
        onChoose={(id) => {
          chosen.value = id
        }}
      />
      <Button
        why={chosen.value === '' ? `Choose a ${what} first` : why}
        onClick={async () => {
          await onAdd(chosen.value)
          chosen.value = ''
        }}
      >
        Put into the set
      </Button>
    </div>
  )
}
