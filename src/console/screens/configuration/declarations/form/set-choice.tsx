import { useRead } from '../../../../api/read.ts'
import { Check } from '../../../../kit/field.tsx'
import { Shown } from '../../../../kit/states.tsx'

const MOST_SETS = 1000

/** The sets that a new declaration is put into. Those that a part of the server makes are left out. */
export function SetChoice({
  chosen,
  onChange,
}: {
  readonly chosen: readonly string[]
  readonly onChange: (sets: readonly string[]) => void
}) {
  const read = useRead('/api/sets', { query: { limit: MOST_SETS } })
  return (
    <fieldset class="set-choice">
      <legend>Sets that get it</legend>
      <Shown read={read} lines={2}>
        {({ items }) => {
          const own = items.filter(({ owner }) => owner === null)
          return own.length === 0 ? (
            <p class="dim">
              There is no set yet. <a href="/console/sets">Make one</a> later, and put it in there.
            </p>
          ) : (
            <div class="set-list">
              {own.map(({ id, description }) => (
                <Check
                  key={id}
                  label={
                    <>
                      <bdi>{id}</bdi> <span class="dim">{description}</span>
                    </>
                  }
                  isOn={chosen.includes(id)}
                  onChange={(isOn) => {
                    onChange(isOn ? [...chosen, id] : chosen.filter((other) => other !== id))
                  }}
                />
              ))}
            </div>
          )
        }}
      </Shown>
    </fieldset>
  )
}
