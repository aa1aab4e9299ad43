import { useRead } from '../../../api/read.ts'
import { Button } from '../../../kit/button.tsx'
import { AddLine } from './add-line.tsx'
import { setPage } from './text.ts'

const MOST_SETS = 1000

/** The sets of a declaration or a device, with what changes them. */
export function SetsOf({
  sets,
  why,
  onChange,
}: {
  readonly sets: readonly string[]
  readonly why: string | undefined
  readonly onChange: (set: string, isIn: boolean) => Promise<unknown>
}) {
  const all = useRead('/api/sets', { query: { limit: MOST_SETS } }).state.value.value?.items ?? []
  const owned = new Map(all.flatMap((set) => (set.owner === null ? [] : [[set.id, set.owner]])))
  const others = all.filter((set) => set.owner === null && !sets.includes(set.id))
  return (
    <>
      {sets.length > 0 && (
        <ul class="rows">
          {sets.map((set) => (
            <li key={set}>
              <span class="said">
                <a href={setPage(set)}>
                  <bdi>{set}</bdi>
                </a>
              </span>
              <Button
                why={owned.has(set) ? `${owned.get(set)} makes this set` : why}
                label={`Take out of ${set}`}
                onClick={() => onChange(set, false)}
              >
                Take out
              </Button>
            </li>
          ))}
        </ul>
      )}
      <AddLine
        what="set"
        of={others.map((set) => set.id)}
        why={why}
        onAdd={(set) => onChange(set, true)}
      />
    </>
  )
}
