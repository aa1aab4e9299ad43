import { useRead } from '../../../api/read.ts'
import { may } from '../../../api/session.ts'
import type { Schema } from '../../../api/types.ts'
import { Button, needs } from '../../../kit/button.tsx'
import { useRowKeys } from '../../../kit/rows.ts'
import { Empty, Shown } from '../../../kit/states.tsx'
import { type Column, Table } from '../../../kit/table.tsx'
import { go, place, withQuery } from '../../../place/router.ts'
import { NewUpdate } from './new-update.tsx'
import { ProgressOf } from './progress.tsx'
import { deadlineText, OWN_ZONE, targetText, UPDATE_SENTENCES, whomText } from './text.ts'
import { Versions } from './versions.tsx'

const LOOKS_AGAIN_AFTER = 15_000

const COLUMNS: readonly Column<Schema<'SoftwareUpdate'>>[] = [
  {
    id: 'target',
    label: 'Update',
    isLong: true,
    cell: (policy) => (
      <>
        {targetText(policy)} <span class="dim">{policy.id}</span>
      </>
    ),
  },
  {
    id: 'deadline',
    width: '13rem',
    label: 'Deadline, device’s time',
    isLong: true,
    cell: (policy) => <span title={OWN_ZONE}>{deadlineText(policy)}</span>,
  },
  { id: 'whom', width: '14rem', label: 'For', isWide: true, isLong: true, cell: whomText },
  {
    id: 'progress',
    width: '19rem',
    label: 'Progress',
    isLong: true,
    cell: ({ id, target }) => target && <ProgressOf id={id} />,
  },
]

/** Which devices are to have which OS version by when, and how far they are. */
export default function Updates() {
  const { query } = place.value
  const read = useRead('/api/software-updates', {}, { each: LOOKS_AGAIN_AFTER })
  useRowKeys()
  return (
    <>
      <header class="bar">
        <h1>Updates</h1>
        <Button
          tone="main"
          why={needs('config', may('config'))}
          onClick={() => {
            go(withQuery({ new: 'update' }))
          }}
        >
          New update…
        </Button>
      </header>
      <Shown read={read}>
        {({ items }) => (
          <>
            {items.length === 0 ? (
              <Empty title={UPDATE_SENTENCES.none}>
                <p>{UPDATE_SENTENCES.noneHint}</p>
              </Empty>
            ) : (
              <Table
                label="Updates"
                columns={COLUMNS}
                rows={items}
                idOf={({ id }) => id}
                to={({ id }) => `/console/updates/${encodeURIComponent(id)}`}
              />
            )}
            {query.has('new') && <NewUpdate taken={items.map(({ id }) => id)} />}
          </>
        )}
      </Shown>
      <div class="versions">
        <Versions />
      </div>
    </>
  )
}
