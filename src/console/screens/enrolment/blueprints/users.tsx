import { useSignal } from '@preact/signals'
import { send } from '../../../api/call.ts'
import { AskFirst } from '../../../kit/dialog.tsx'
import { changed, useRead } from '../../../api/read.ts'
import { may } from '../../../api/session.ts'
import type { Schema } from '../../../api/types.ts'
import { Badge, type Tone } from '../../../kit/badge.tsx'
import { Button, needs } from '../../../kit/button.tsx'
import { Empty, Shown } from '../../../kit/states.tsx'
import { type Column, Table } from '../../../kit/table.tsx'
import { toast } from '../../../kit/toast.tsx'
import { forgetTyped } from '../../../place/kept.ts'
import { UserForm, userTyped } from './user-form.tsx'

type User = Schema<'SetupUser'>

const PASSWORDS: Readonly<Record<User['password'], readonly [Tone, string]>> = {
  generated: ['good', 'Another one on each Mac'],
  stored: ['warn', 'The same on all Macs'],
  none: ['bad', 'None'],
  unreadable: ['bad', 'Cannot be read: set it again'],
}

const COLUMNS: readonly Column<User>[] = [
  { id: 'id', label: 'Id', cell: ({ id }) => <bdi>{id}</bdi> },
  { id: 'name', label: 'Account', cell: ({ short_name: name }) => <bdi>{name}</bdi> },
  {
    id: 'password',
    label: 'Password',
    cell: ({ password }) => {
      const [tone, word] = PASSWORDS[password]
      return <Badge tone={tone}>{word}</Badge>
    },
  },
  {
    id: 'used',
    label: 'In blueprints',
    isWide: true,
    cell: ({ used_by: used }) => (used.length === 0 ? 'none' : used.join(', ')),
  },
]

/** The administrator accounts that Macs get. A password is never shown again. */
export function SetupUsers() {
  const read = useRead('/api/setup-users', {})
  const open = useSignal<User | 'new' | undefined>(undefined)
  const removed = useSignal<User | undefined>(undefined)
  const why = needs('config', may('config'))
  const columns: readonly Column<User>[] = [
    ...COLUMNS,
    {
      id: 'do',
      label: 'Actions',
      isNumber: true,
      cell: (user) => (
        <Button
          tone="quiet"
          label={`Change ${user.id}`}
          why={why}
          onClick={() => {
            open.value = user
          }}
        >
          Change…
        </Button>
      ),
    },
  ]
  return (
    <>
      <header class="bar">
        <p class="dim">Administrator accounts that Setup Assistant makes on Macs.</p>
        <Button
          tone="main"
          why={why}
          onClick={() => {
            open.value = 'new'
          }}
        >
          New setup user
        </Button>
      </header>
      <Shown read={read}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No setup user yet">
              <p>A step “Make accounts on a Mac” names one as the administrator.</p>
            </Empty>
          ) : (
            <Table label="Setup users" columns={columns} rows={items} idOf={({ id }) => id} />
          )
        }
      </Shown>
      {open.value && (
        <UserForm
          stored={open.value === 'new' ? undefined : open.value}
          onDelete={() => {
            removed.value = open.value === 'new' ? undefined : open.value
            open.value = undefined
          }}
          onClose={() => {
            open.value = undefined
          }}
        />
      )}
      {removed.value && (
        <Removal
          of={removed.value}
          why={why}
          onClose={() => {
            removed.value = undefined
          }}
        />
      )}
    </>
  )
}

function Removal({
  of: { id },
  why,
  onClose,
}: {
  readonly of: User
  readonly why: string | undefined
  readonly onClose: () => void
}) {
  return (
    <AskFirst
      title={`Delete ${id}`}
      deed="Delete setup user"
      why={why}
      onYes={async () => {
        const answer = await send('delete', '/api/setup-users/{id}', { path: { id } })
        if (answer.ok) {
          forgetTyped(userTyped(id))
          toast({ text: `${id} is deleted` })
          changed('/api/setup-users')
        }
        return answer
      }}
      onClose={onClose}
    >
      <p>Macs that have the account keep it. Its password is lost here.</p>
    </AskFirst>
  )
}
