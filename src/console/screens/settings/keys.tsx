import { useSignal } from '@preact/signals'
import { send } from '../../api/call.ts'
import type { Fault } from '../../api/fault.ts'
import { changed, useRead } from '../../api/read.ts'
import { may } from '../../api/session.ts'
import type { Schema } from '../../api/types.ts'
import { Badge } from '../../kit/badge.tsx'
import { Button, needs } from '../../kit/button.tsx'
import { Dialog } from '../../kit/dialog.tsx'
import { Section } from '../../kit/facts.tsx'
import { Empty, FaultNote, Shown } from '../../kit/states.tsx'
import { type Column, Table } from '../../kit/table.tsx'
import { Ends } from '../../kit/time.tsx'
import { toast } from '../../kit/toast.tsx'
import { NewKey } from './new-key.tsx'
import { Roll } from './roll.tsx'
import { NO_KEY_YET, REVOKING, REVOKING_PERSON } from './text.ts'

type Key = Schema<'Key'>

const COLUMNS: readonly Column<Key>[] = [
  {
    id: 'name',
    label: 'Name',
    cell: ({ name, email, current }) => (
      <>
        {current ? `${name} (yours)` : name} {email !== null && <Badge tone="quiet">Person</Badge>}
      </>
    ),
  },
  { id: 'scopes', label: 'Scopes', isLong: true, cell: ({ scopes }) => scopes.join(', ') },
  {
    id: 'used',
    label: 'Last used',
    cell: ({ last_used: used }) =>
      used ? <span title={used.user_agent ?? ''}>{used.day}</span> : <span class="dim">never</span>,
  },
  {
    id: 'ends',
    label: 'End',
    cell: ({ state, expires_at: at }) =>
      state === 'expired' ? (
        <Badge tone="quiet">Ended</Badge>
      ) : at === null ? (
        <Badge tone="warn">Never ends</Badge>
      ) : (
        <Ends at={at} />
      ),
  },
  { id: 'id', label: 'Id', isWide: true, cell: ({ id }) => <code>{id}</code> },
]

/** What is done to a key. */
interface Deed {
  readonly is: 'roll' | 'revoke'
  readonly key: Key
}

/** API keys and people: list, make, roll, revoke. */
export function KeyList() {
  const isMaking = useSignal(false)
  const deed = useSignal<Deed | undefined>(undefined)
  const end = (): void => {
    deed.value = undefined
  }
  const why = needs('admin', may('admin'))
  const making = (
    <Button
      tone="main"
      why={why}
      onClick={() => {
        isMaking.value = true
      }}
    >
      New key
    </Button>
  )
  return (
    <Section title="API keys" actions={making}>
      {may('admin') ? (
        <List
          onDeed={(chosen) => {
            deed.value = chosen
          }}
        />
      ) : (
        <Empty title="Your key cannot see keys">
          <p>It lacks the scope admin. Ask the person who gave it to you.</p>
        </Empty>
      )}
      {isMaking.value && (
        <NewKey
          onClose={() => {
            isMaking.value = false
          }}
        />
      )}
      {deed.value?.is === 'roll' && <Roll of={deed.value.key} onClose={end} />}
      {deed.value?.is === 'revoke' && <Revoke of={deed.value.key} onClose={end} />}
    </Section>
  )
}

function List({ onDeed }: { readonly onDeed: (deed: Deed) => void }) {
  const read = useRead('/api/keys', {})
  const columns: readonly Column<Key>[] = [
    ...COLUMNS,
    {
      id: 'do',
      label: 'Actions',
      isNumber: true,
      cell: (key) => (
        <>
          {key.email === null && (
            <Button
              tone="quiet"
              label={`Roll ${key.name}`}
              why={needs('admin', true)}
              onClick={() => {
                onDeed({ is: 'roll', key })
              }}
            >
              Roll…
            </Button>
          )}
          <Button
            tone="quiet"
            label={`Revoke ${key.name}`}
            why={needs('admin', true)}
            onClick={() => {
              onDeed({ is: 'revoke', key })
            }}
          >
            Revoke…
          </Button>
        </>
      ),
    },
  ]
  return (
    <Shown read={read}>
      {({ items }) =>
        items.length === 0 ? (
          <Empty title="No keys yet">
            <p>{NO_KEY_YET}</p>
          </Empty>
        ) : (
          <Table label="API keys" columns={columns} rows={items} idOf={({ id }) => id} />
        )
      }
    </Shown>
  )
}

function Revoke({ of: key, onClose }: { readonly of: Key; readonly onClose: () => void }) {
  const fault = useSignal<Fault | undefined>(undefined)
  const revoke = async (): Promise<void> => {
    const answer = await send('delete', '/api/keys/{id}', { path: { id: key.id } })
    changed('/api/keys')
    changed('/api/sessions')
    if (answer.ok) {
      toast({
        text: key.email === null ? `The key ${key.name} is revoked` : `${key.name} is removed`,
      })
      onClose()
    } else {
      fault.value = answer.fault
    }
  }
  return (
    <Dialog title={`Revoke ${key.name}`} onClose={onClose}>
      <p>{key.email === null ? REVOKING : REVOKING_PERSON}</p>
      {fault.value && <FaultNote fault={fault.value} />}
      <div class="actions">
        <Button tone="danger" why={needs('admin', may('admin'))} onClick={revoke}>
          Revoke {key.name}
        </Button>
        <Button onClick={onClose}>Cancel</Button>
      </div>
    </Dialog>
  )
}
