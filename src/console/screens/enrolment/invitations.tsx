import { useSignal } from '@preact/signals'
import { send } from '../../api/call.ts'
import { AskFirst } from '../../kit/dialog.tsx'
import { changed, useRead } from '../../api/read.ts'
import { may } from '../../api/session.ts'
import type { Schema } from '../../api/types.ts'
import { Badge, type Tone } from '../../kit/badge.tsx'
import { Button, needs } from '../../kit/button.tsx'
import { Section } from '../../kit/facts.tsx'
import { Empty, Shown } from '../../kit/states.tsx'
import { type Column, Table, NEWEST_FIRST, PageLinks } from '../../kit/table.tsx'
import { Ends, Time } from '../../kit/time.tsx'
import { toast } from '../../kit/toast.tsx'
import { place } from '../../place/router.ts'
import { NewInvitation } from './new-invitation.tsx'

type Invitation = Schema<'Invitation'>

const PAGE = 100
const STATES: Readonly<Record<Invitation['state'], readonly [Tone, string]>> = {
  open: ['good', 'Open'],
  used_up: ['quiet', 'Used up'],
  expired: ['quiet', 'Expired'],
  revoked: ['bad', 'Revoked'],
}

const COLUMNS: readonly Column<Invitation>[] = [
  {
    id: 'for',
    label: 'For',
    cell: ({ note, serial_number: serial }) => (
      <bdi>{[note, serial].filter((text) => text !== null).join(', ') || 'any device'}</bdi>
    ),
  },
  {
    id: 'state',
    label: 'State',
    cell: ({ state }) => <Badge tone={STATES[state][0]}>{STATES[state][1]}</Badge>,
  },
  { id: 'used', label: 'Used', cell: ({ used, max_uses: most }) => `${used} of ${most}` },
  {
    id: 'end',
    label: 'End',
    cell: ({ state, expires_at: at }) => (state === 'open' ? <Ends at={at} /> : null),
  },
  { id: 'made', label: 'Made', isWide: true, cell: ({ created_at: at }) => <Time at={at} /> },
]

/** Links for one person or one device. */
export function Invitations() {
  const cursor = place.value.query.get('cursor') ?? ''
  const read = useRead('/api/invitations', { query: { limit: PAGE, cursor } })
  const isMaking = useSignal(false)
  const ended = useSignal<Invitation | undefined>(undefined)
  const why = needs('enroll', may('enroll'))
  const columns: readonly Column<Invitation>[] = [
    ...COLUMNS,
    {
      id: 'do',
      label: 'Actions',
      isNumber: true,
      cell: (one) =>
        one.state === 'open' ? (
          <Button
            tone="quiet"
            label={`Revoke the invitation for ${one.note ?? one.serial_number ?? one.id}`}
            why={why}
            onClick={() => {
              ended.value = one
            }}
          >
            Revoke…
          </Button>
        ) : null,
    },
  ]
  const making = (
    <Button
      tone="main"
      why={why}
      onClick={() => {
        isMaking.value = true
      }}
    >
      New invitation
    </Button>
  )
  return (
    <Section title="Invitations" actions={making}>
      <Shown read={read}>
        {({ items, next }) =>
          items.length === 0 ? (
            <Empty title="No invitation yet">
              <p>An invitation is a link for one person or one device, with an end of its own.</p>
            </Empty>
          ) : (
            <>
              <Table label="Invitations" columns={columns} rows={items} idOf={({ id }) => id} />
              <PageLinks next={next} words={NEWEST_FIRST} />
            </>
          )
        }
      </Shown>
      {isMaking.value && (
        <NewInvitation
          onClose={() => {
            isMaking.value = false
          }}
        />
      )}
      {ended.value && (
        <Revoke
          of={ended.value}
          why={why}
          onClose={() => {
            ended.value = undefined
          }}
        />
      )}
    </Section>
  )
}

function Revoke({
  of: { id, note, serial_number: serial },
  why,
  onClose,
}: {
  readonly of: Invitation
  readonly why: string | undefined
  readonly onClose: () => void
}) {
  return (
    <AskFirst
      title={`Revoke the invitation for ${note ?? serial ?? 'any device'}`}
      deed="Revoke invitation"
      why={why}
      onYes={async () => {
        const answer = await send('delete', '/api/invitations/{id}', { path: { id } })
        if (answer.ok) {
          toast({ text: 'The invitation is revoked' })
        }
        changed('/api/invitations')
        return answer
      }}
      onClose={onClose}
    >
      <p>
        The link stops working, and so do profiles that were downloaded with it and not used yet.
        Enrolled devices stay enrolled. It cannot be opened again: make a new one.
      </p>
    </AskFirst>
  )
}
