import { useSignal } from '@preact/signals'
import { useDeviceNames } from '../../../api/read-names.ts'
import { useRead } from '../../../api/read.ts'
import { may } from '../../../api/session.ts'
import { useTyped } from '../../../place/kept.ts'
import { place } from '../../../place/router.ts'
import { Button, needs } from '../../../kit/button.tsx'
import { Field } from '../../../kit/field.tsx'
import { Section } from '../../../kit/facts.tsx'
import { Shown } from '../../../kit/states.tsx'
import { PageLinks } from '../../../kit/table.tsx'
import { changeMembers } from '../declarations/deeds.ts'
import { EnrollmentLink } from '../declarations/enrollment-link.tsx'
import { FindMembers } from './find-members.tsx'
import { linesIn } from './rule.ts'
import { MEMBER_HINT } from './text.ts'

const PAGE = 100

/** The devices and users that an admin put into a set. */
export function Members({ id, count }: { readonly id: string; readonly count: number }) {
  const cursor = place.value.query.get('cursor') ?? ''
  const nameOf = useDeviceNames()
  const why = needs('command', may('command'))
  const read = useRead('/api/sets/{id}/members', { path: { id }, query: { limit: PAGE, cursor } })
  return (
    <Section title={`Members (${count.toLocaleString('en-GB')})`}>
      <Shown read={read} lines={2}>
        {({ items, next }) => (
          <>
            {items.length === 0 ? (
              <p class="dim">
                No device or user was put into it. Devices of the rule are not listed.
              </p>
            ) : (
              <ul class="rows">
                {items.map((member) => (
                  <li key={member.id}>
                    <span class="said">
                      <EnrollmentLink id={member.id} nameOf={nameOf} />
                    </span>
                    <Button
                      why={why}
                      label={`Take out ${nameOf({ id: member.id })}`}
                      onClick={() => changeMembers(id, [member.id], false)}
                    >
                      Take out
                    </Button>
                  </li>
                ))}
              </ul>
            )}
            <PageLinks next={next} />
          </>
        )}
      </Shown>
      <FindMembers set={id} why={why} />
      <TypeMembers set={id} why={why} />
    </Section>
  )
}

/** Names the ids that are typed to become members of a set. */
export function membersTyped(set: string): string {
  return `members of ${set}`
}

/** Members by their ids, as they come from elsewhere. */
function TypeMembers({ set, why }: { readonly set: string; readonly why: string | undefined }) {
  const typed = useTyped(membersTyped(set), '')
  const isBegun = useSignal(typed.value !== '')
  const ids = linesIn(typed.value)
  return (
    <details open={isBegun.value}>
      <summary>Add by ids</summary>
      <Field
        label="Ids"
        value={typed.value}
        lines={4}
        isMono
        hint={MEMBER_HINT}
        onInput={(text) => {
          typed.value = text
        }}
      />
      <Button
        why={ids.length === 0 ? 'Type an id first' : why}
        onClick={async () => {
          if (await changeMembers(set, ids, true)) {
            typed.value = ''
          }
        }}
      >
        Add {ids.length > 0 ? ids.length.toLocaleString('en-GB') : ''}
      </Button>
    </details>
  )
}
