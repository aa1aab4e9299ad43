import { useSignal } from '@preact/signals'
import { useRead } from '../../../../api/read.ts'
import { may } from '../../../../api/session.ts'
import type { Schema } from '../../../../api/types.ts'
import { Button, needs } from '../../../../kit/button.tsx'
import { Choice } from '../../../../kit/field.tsx'
import { Empty } from '../../../../kit/states.tsx'
import { linkSet } from '../deeds.ts'
import { NO_DEVICES } from '../text.ts'

const MOST_SETS = 1000

/** The sets that a declaration is in: their devices get it. */
export function SetsOfDeclaration({
  of: { id, sets },
}: {
  readonly of: Schema<'DeclarationDetail'>
}) {
  const all = useRead('/api/sets', { query: { limit: MOST_SETS } }).state.value.value?.items ?? []
  const owned = new Map(all.flatMap((set) => (set.owner === null ? [] : [[set.id, set.owner]])))
  const others = all.filter((set) => set.owner === null && !sets.includes(set.id))
  const chosen = useSignal('')
  const why = needs('config', may('config'))
  return (
    <>
      {sets.length === 0 ? (
        <Empty title="It is in no set, so no device gets it">
          <p>{NO_DEVICES}</p>
        </Empty>
      ) : (
        <ul class="rows">
          {sets.map((set) => (
            <li key={set}>
              <span class="said">
                <a href={`/console/sets/${encodeURIComponent(set)}`}>
                  <bdi>{set}</bdi>
                </a>
              </span>
              <Button
                why={owned.has(set) ? `${owned.get(set)} makes this set` : why}
                label={`Take out of ${set}`}
                onClick={() => linkSet(set, id, false)}
              >
                Take out
              </Button>
            </li>
          ))}
        </ul>
      )}
      <div class="add-line">
        <Choice
          label="Another set"
          value={chosen.value}
          none={others.length === 0 ? 'No other set' : 'Choose a set'}
          of={others.map((set) => [set.id, set.id])}
          onChoose={(set) => {
            chosen.value = set
          }}
        />
        <Button
          why={chosen.value === '' ? 'Choose a set first' : why}
          onClick={async () => {
            await linkSet(chosen.value, id, true)
            chosen.value = ''
          }}
        >
          Put into the set
        </Button>
        <a href="/console/sets?new=">New set…</a>
      </div>
    </>
  )
}
