import { useRead } from '../../../../api/read.ts'
import { may } from '../../../../api/session.ts'
import { needs } from '../../../../kit/button.tsx'
import { Section } from '../../../../kit/facts.tsx'
import { Shown } from '../../../../kit/states.tsx'
import { changeMembers } from '../../../configuration/declarations/deeds.ts'
import { SetsOf } from '../../../configuration/sets/sets-of.tsx'

/** The sets that a device or a user was put into. */
export function SetsOfDevice({ id }: { readonly id: string }) {
  const read = useRead('/api/devices/{id}/sets', { path: { id } })
  return (
    <Section title="Sets">
      <Shown read={read} lines={2}>
        {({ sets }) => (
          <>
            {sets.length === 0 && (
              <p class="dim">You put it into no set. Sets with a rule take it by themselves.</p>
            )}
            <SetsOf
              sets={sets}
              why={needs('command', may('command'))}
              onChange={(set, isIn) => changeMembers(set, [id], isIn)}
            />
          </>
        )}
      </Shown>
    </Section>
  )
}
