import { send } from '../../api/call.ts'
import type { NameOf } from '../../api/names.ts'
import { useDeviceNames } from '../../api/read-names.ts'
import { changed, useRead } from '../../api/read.ts'
import { may } from '../../api/session.ts'
import type { Schema } from '../../api/types.ts'
import { Button, needs } from '../../kit/button.tsx'
import { Empty, Shown } from '../../kit/states.tsx'
import { Table, type Column } from '../../kit/table.tsx'
import { Time } from '../../kit/time.tsx'
import { heard, toast } from '../../kit/toast.tsx'

type DeadLetter = Schema<'DeadLetter'>

const columnsOf = (nameOf: NameOf): readonly Column<DeadLetter>[] => [
  { id: 'topic', label: 'Topic', cell: ({ topic }) => <code>{topic}</code> },
  { id: 'reason', label: 'Reason', cell: ({ reason }) => reason },
  {
    id: 'device',
    label: 'Device',
    isWide: true,
    cell: ({ device_id: id }) => (
      <a href={`/console/devices/${encodeURIComponent(id)}`}>
        <bdi title={id}>{nameOf({ id })}</bdi>
      </a>
    ),
  },
  {
    id: 'attempts',
    label: 'Tries',
    isNumber: true,
    isWide: true,
    cell: ({ attempts }) => attempts,
  },
  { id: 'at', label: 'Event', cell: ({ created_at: at }) => <Time at={at} /> },
  { id: 'retry', label: 'Again', cell: ({ id }) => <Retry id={id} /> },
]

/** Events that the receiver did not accept for three days. */
export function DeadLetters({ id }: { readonly id: string }) {
  const nameOf = useDeviceNames()
  const read = useRead('/api/dead-letters', { query: { limit: 100, webhook_id: id } })
  return (
    <Shown read={read}>
      {({ items, next }) =>
        items.length === 0 ? (
          <Empty title="No dead letter">
            <p>An event comes here when the receiver did not accept it for 3 days.</p>
          </Empty>
        ) : (
          <>
            <Table
              label="Dead letters"
              columns={columnsOf(nameOf)}
              rows={items}
              idOf={({ id: letter }) => letter}
            />
            {next !== null && <p class="dim">These are the newest 100. Retry takes the oldest.</p>}
          </>
        )
      }
    </Shown>
  )
}

function Retry({ id }: { readonly id: string }) {
  const retry = async (): Promise<void> => {
    const answer = await send('post', '/api/dead-letters/{id}/retry', { path: { id } })
    if (heard(answer)) {
      toast({ text: 'Dead letter retried, for 3 more days' })
    }
    changed('/api/dead-letters')
    changed('/api/webhooks')
  }
  return (
    <Button tone="quiet" why={needs('config', may('config'))} onClick={retry}>
      Retry
    </Button>
  )
}
