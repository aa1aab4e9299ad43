import { useSignal } from '@preact/signals'
import { useRead } from '../../../../api/read.ts'
import { may } from '../../../../api/session.ts'
import { Button, needs } from '../../../../kit/button.tsx'
import { Section } from '../../../../kit/facts.tsx'
import { Choice } from '../../../../kit/field.tsx'
import { Shown } from '../../../../kit/states.tsx'
import { changeMembers } from '../../../configuration/declarations/deeds.ts'
import { setPage } from '../../../configuration/sets/text.ts'

const MOST_SETS = 1000

/** The sets that a device or a user was put into. */
export function SetsOfDevice({ id }: { readonly id: string }) {
  const read = useRead('/api/devices/{id}/sets', { path: { id } })
  const all = useRead('/api/sets', { query: { limit: MOST_SETS } }).state.value.value?.items ?? []
  const chosen = useSignal('')
  const why = needs('command', may('command'))
  return (
    <Section title="Sets">
      <Shown read={read} lines={2}>
        {({ sets }) => {
          const others = all.filter((set) => set.owner === null && !sets.includes(set.id))
          return (
            <>
              {sets.length === 0 ? (
                <p class="dim">You put it into no set. Sets with a rule take it by themselves.</p>
              ) : (
                <ul class="rows">
                  {sets.map((set) => (
                    <li key={set}>
                      <span class="said">
                        <a href={setPage(set)}>
                          <bdi>{set}</bdi>
                        </a>
                      </span>
                      <Button
                        why={why}
                        label={`Take out of ${set}`}
                        onClick={() => changeMembers(set, [id], false)}
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
                    await changeMembers(chosen.value, [id], true)
                    chosen.value = ''
                  }}
                >
                  Put into the set
                </Button>
              </div>
            </>
          )
        }}
      </Shown>
    </Section>
  )
}
