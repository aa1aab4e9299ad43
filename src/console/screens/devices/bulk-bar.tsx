import { useSignal } from '@preact/signals'
import { Button, needs } from '../../kit/button.tsx'
import { may } from '../../api/session.ts'
import { go } from '../../place/router.ts'
import { useKeys } from '../../place/keyboard.ts'
import { toast } from '../../kit/toast.tsx'
import { AddToSet } from './add-to-set.tsx'
import { composerFor, MOST_PICKED, type Selection, updateFor } from './selection.ts'
import { LIST_WORDS } from './text.ts'

/** What one can do with the picked devices. */
export function BulkBar({
  selection,
  rows,
  total,
  onAll,
  onNone,
}: {
  readonly selection: Selection
  readonly rows: Parameters<typeof updateFor>[1]
  /** All that match; null while it is not known. */
  readonly total: number | null
  readonly onAll: () => void
  readonly onNone: () => void
}) {
  const why = whyNot(selection)
  const isAdding = useSignal(false)
  const left = selection.kind === 'all' ? selection.except.length : 0
  const count = selection.kind === 'ids' ? selection.ids.length : (total ?? 0) - left
  const command = (): void => {
    if (why === undefined) {
      go(composerFor(selection))
    } else {
      toast({ text: why })
    }
  }
  useKeys({
    c: { label: 'Command for the selected devices', run: command },
    Escape: { label: 'Select none', run: onNone },
  })
  return (
    <div class="bulk" role="region" aria-label="Selected devices">
      <strong aria-live="polite">
        {selection.kind === 'all' && left === 0
          ? LIST_WORDS.pickedAll(count)
          : LIST_WORDS.picked(count)}
      </strong>
      {total !== null && selection.kind === 'ids' && selection.ids.length < total && (
        <Button tone="quiet" onClick={onAll}>
          {LIST_WORDS.pickAll(total)}
        </Button>
      )}
      <span class="actions">
        <Button tone="main" why={why} keys="C" onClick={command}>
          Command…
        </Button>
        <a class="button" href={updateFor(selection, rows)}>
          Update…
        </a>
        <Button
          why={needs('command', may('command'))}
          onClick={() => {
            isAdding.value = true
          }}
        >
          Add to a set…
        </Button>
        <Button onClick={onNone}>Clear</Button>
      </span>
      {why !== undefined && <p class="hint">{why}.</p>}
      {isAdding.value && (
        <AddToSet
          selection={selection}
          count={count}
          onClose={() => {
            isAdding.value = false
          }}
        />
      )}
    </div>
  )
}

function whyNot(selection: Selection): string | undefined {
  const lacks = needs('command', may('command') || may('destructive'))
  if (lacks !== undefined) {
    return lacks
  }
  if (selection.kind === 'ids') {
    return selection.ids.length > MOST_PICKED ? LIST_WORDS.tooMany(MOST_PICKED) : undefined
  }
  return selection.except.length > MOST_PICKED ? LIST_WORDS.tooManyLeft(MOST_PICKED) : undefined
}
