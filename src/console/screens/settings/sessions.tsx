import { send } from '../../api/call.ts'
import { changed, useRead } from '../../api/read.ts'
import { may } from '../../api/session.ts'
import type { Schema } from '../../api/types.ts'
import { leave } from '../../person/leave.ts'
import { Badge } from '../../kit/badge.tsx'
import { Button, needs } from '../../kit/button.tsx'
import { Section } from '../../kit/facts.tsx'
import { Shown } from '../../kit/states.tsx'
import { type Column, Table } from '../../kit/table.tsx'
import { Time } from '../../kit/time.tsx'
import { toast } from '../../kit/toast.tsx'

type Session = Schema<'Session'>

const COLUMNS: readonly Column<Session>[] = [
  { id: 'who', label: 'Person', cell: ({ who }) => who },
  { id: 'key', label: 'Key', cell: ({ key }) => key.name },
  { id: 'seen', label: 'Last use', cell: ({ seen_at: at }) => <Time at={at} /> },
  { id: 'began', label: 'Began', isWide: true, cell: ({ created_at: at }) => <Time at={at} /> },
  { id: 'ends', label: 'Ends', isWide: true, cell: ({ expires_at: at }) => <Time at={at} /> },
  {
    id: 'do',
    label: 'Actions',
    isNumber: true,
    cell: (row) =>
      row.current ? (
        <Badge tone="good">This session</Badge>
      ) : (
        <Button
          tone="quiet"
          label={`Sign out ${row.who}`}
          why={needs('', true)}
          onClick={() => end(row)}
        >
          Sign out
        </Button>
      ),
  },
]

/** Who is signed in at the console. */
export function Sessions() {
  const read = useRead('/api/sessions', {}, { each: 60_000 })
  return (
    <Section
      title={may('admin') ? 'Signed in with any key' : 'Signed in with your key'}
      actions={<Button onClick={() => leave(true)}>Sign out your key everywhere</Button>}
    >
      <Shown read={read}>
        {({ items }) => (
          <Table label="Sessions" columns={COLUMNS} rows={items} idOf={({ id }) => id} />
        )}
      </Shown>
    </Section>
  )
}

async function end({ id, who }: Session): Promise<void> {
  const answer = await send('delete', '/api/sessions/{id}', { path: { id } })
  changed('/api/sessions')
  toast(
    answer.ok
      ? { text: `${who} is signed out, everywhere within 30 seconds` }
      : { text: answer.fault.detail, tone: 'bad' },
  )
}
