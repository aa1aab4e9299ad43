import { useRead } from '../../../api/read.ts'
import { may } from '../../../api/session.ts'
import type { Schema } from '../../../api/types.ts'
import { needs, Button } from '../../../kit/button.tsx'
import { Empty, Shown } from '../../../kit/states.tsx'
import { type Column, Table } from '../../../kit/table.tsx'
import { Time } from '../../../kit/time.tsx'
import { go, place, withQuery } from '../../../place/router.ts'
import { editedOf, skippedIn } from './profile-fields.ts'
import { ProfileForm } from './profile-form.tsx'

type Profile = Schema<'DepProfile'>

/** In the address: no profile has an empty name. */
const NEW = '+'

const COLUMNS: readonly Column<Profile>[] = [
  { id: 'name', label: 'Name', cell: ({ name }) => <bdi>{name}</bdi> },
  {
    id: 'supervised',
    label: 'Supervised',
    cell: ({ profile }) => (saysYes(profile, 'is_supervised') ? 'yes' : 'no'),
  },
  {
    id: 'waits',
    label: 'Waits for blueprints',
    isWide: true,
    cell: ({ profile }) => (saysYes(profile, 'await_device_configured') ? 'yes' : 'no'),
  },
  {
    id: 'skips',
    label: 'Skipped panes',
    isWide: true,
    isNumber: true,
    cell: ({ profile }) => skippedIn(Object.fromEntries(Object.entries(profile))).length,
  },
  { id: 'at', label: 'Defined', isAside: true, cell: ({ defined_at: at }) => <Time at={at} /> },
]

function saysYes(profile: object, key: string): boolean {
  return Object.entries(profile).some(([name, value]) => name === key && value === true)
}

function close(): void {
  go(withQuery({ profile: undefined }))
}

/** The enrolment profiles of an account: where devices enrol, and what Setup Assistant shows. */
export function Profiles({ account }: { readonly account: string }) {
  const read = useRead('/api/dep/profiles', { query: { account } })
  const open = place.value.query.get('profile')
  const why = needs('config', may('config'))
  return (
    <Shown read={read}>
      {({ items }) => {
        const found = items.find(({ name }) => name === open)
        if (open === NEW || found) {
          return (
            <ProfileForm
              key={open}
              account={account}
              name={found?.name}
              version={found?.version ?? 0}
              stored={found && editedOf(Object.fromEntries(Object.entries(found.profile)))}
              onClose={close}
            />
          )
        }
        return (
          <>
            <header class="bar">
              <p class="dim">
                Apple keeps a profile as it was defined: a change makes another one of the same
                name.
              </p>
              <Button
                tone="main"
                why={why}
                onClick={() => {
                  go(withQuery({ profile: NEW }))
                }}
              >
                New profile
              </Button>
            </header>
            {items.length === 0 ? (
              <Empty title="No profile yet">
                <p>A device needs one to enrol by itself. Make the first one.</p>
              </Empty>
            ) : (
              <Table
                label="Enrolment profiles"
                columns={COLUMNS}
                rows={items}
                idOf={({ uuid }) => uuid}
                to={({ name }) => withQuery({ profile: name })}
              />
            )}
          </>
        )
      }}
    </Shown>
  )
}
