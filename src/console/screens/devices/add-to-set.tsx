import { useSignal } from '@preact/signals'
import { useRead } from '../../api/read.ts'
import { may } from '../../api/session.ts'
import { Button, needs } from '../../kit/button.tsx'
import { Dialog } from '../../kit/dialog.tsx'
import { Choice } from '../../kit/field.tsx'
import { Empty, Shown } from '../../kit/states.tsx'
import { toast } from '../../kit/toast.tsx'
import { serverNow } from '../../time/clock.ts'
import { counted } from '../../time/words.ts'
import { changeMembers } from '../configuration/declarations/deeds.ts'
import { idsMatching, membersOf, MOST_MATCHING, TOO_MANY } from '../configuration/sets/matching.ts'
import { readWords } from './filter.ts'
import type { Selection } from './selection.ts'
import { SET_WORDS } from './text.ts'

const MOST_SETS = 1000

/** Puts the picked devices into a set, as members. */
export function AddToSet({
  selection,
  count,
  onClose,
}: {
  readonly selection: Selection
  readonly count: number
  readonly onClose: () => void
}) {
  const read = useRead('/api/sets', { query: { limit: MOST_SETS } })
  const chosen = useSignal('')
  const add = async (): Promise<void> => {
    if (await addPicked(selection, chosen.value)) {
      onClose()
    }
  }
  const why =
    needs('command', may('command')) ??
    (count > MOST_MATCHING ? TOO_MANY : undefined) ??
    (chosen.value === '' ? 'Choose a set' : undefined)
  return (
    <Dialog title={`Add ${counted(count, 'device')} to a set`} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
        }}
      >
        <Shown read={read} lines={1}>
          {({ items }) => {
            // Members of a set that a part of the server keeps are its own matter.
            const own = items.filter(({ owner }) => owner === null)
            return own.length === 0 ? (
              <Empty title="No set yet">
                <p>
                  Make one under <a href="/console/sets?new=set">Sets</a>.
                </p>
              </Empty>
            ) : (
              <Choice
                label="Set"
                value={chosen.value}
                none="Choose a set"
                of={own.map(({ id }) => [id, id])}
                onChoose={(id) => {
                  chosen.value = id
                }}
              />
            )
          }}
        </Shown>
        <p class="dim">{selection.kind === 'all' ? SET_WORDS.now : SET_WORDS.get}</p>
        <div class="actions">
          <Button type="submit" tone="main" why={why} onClick={add}>
            Add {counted(count, 'device')}
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </div>
      </form>
    </Dialog>
  )
}

/** Only what is no member yet is added, so that Undo takes out no other one. */
async function addPicked(selection: Selection, set: string): Promise<boolean> {
  const ids = await idsOf(selection)
  const members = ids && (await membersOf(set))
  if (!members) {
    return false
  }
  const before = new Set(members)
  const joining = ids.filter((id) => !before.has(id))
  if (joining.length === 0) {
    toast({ text: SET_WORDS.already(set) })
    return true
  }
  return changeMembers(set, joining, true)
}

async function idsOf(selection: Selection): Promise<readonly string[] | undefined> {
  if (selection.kind === 'ids') {
    return selection.ids
  }
  const ids = await idsMatching(readWords(selection.query, serverNow()))
  return ids?.filter((id) => !selection.except.includes(id))
}
