import { useRead } from '../../api/read.ts'
import type { Schema } from '../../api/types.ts'
import { place, withQuery } from '../../place/router.ts'
import { Badge, Meter } from '../../kit/badge.tsx'
import { useRowKeys } from '../../kit/rows.ts'
import { Empty, Shown } from '../../kit/states.tsx'
import { type Column, Table } from '../../kit/table.tsx'
import { Time } from '../../kit/time.tsx'
import { isRoundOf, JOB_WORDS, progressOf, stateOf, titleOf } from './text.ts'

const EACH = 5000
const PAGE = 20

const COLUMNS: readonly Column<Schema<'Job'>>[] = [
  { id: 'title', label: 'Job', cell: titleOf },
  {
    id: 'state',
    width: '10rem',
    label: 'State',
    cell: (job) => {
      const { word, tone } = stateOf(job)
      return <Badge tone={tone}>{word}</Badge>
    },
  },
  {
    id: 'progress',
    width: '19rem',
    label: 'Progress',
    cell: (job) => (
      <>
        {!isRoundOf(job) && (
          <Meter value={job.done + job.failed} of={job.total} label={progressOf(job)} />
        )}{' '}
        {progressOf(job)}
      </>
    ),
  },
  {
    id: 'failed',
    width: '5rem',
    label: 'Failed',
    isNumber: true,
    isWide: true,
    cell: (job) => job.failed.toLocaleString('en-GB'),
  },
  {
    id: 'created',
    width: '7rem',
    label: 'Began',
    sort: 'created_at',
    isAside: true,
    cell: (job) => <Time at={job.created_at} />,
  },
]

/** Long work over many devices, newest first. */
export default function Jobs() {
  const { query } = place.value
  const sort = query.get('sort') === 'created_at' ? 'created_at' : '-created_at'
  const cursor = query.get('from')
  const read = useRead(
    '/api/jobs',
    { query: { limit: PAGE, sort, ...(cursor !== null && { cursor }) } },
    { each: EACH },
  )
  useRowKeys()
  return (
    <>
      <h1>Jobs</h1>
      <Shown read={read}>
        {({ items, next }) =>
          items.length === 0 ? (
            <Empty title={JOB_WORDS.none}>
              <p>{JOB_WORDS.noneHint}</p>
              <a class="button" href="/console/devices">
                Devices
              </a>
            </Empty>
          ) : (
            <>
              <Table
                label="Jobs"
                columns={COLUMNS}
                rows={items}
                idOf={({ id }) => id}
                to={({ id }) => `/console/jobs/${encodeURIComponent(id)}`}
                sort={sort}
              />
              <nav class="actions end" aria-label="Pages">
                {cursor !== null && <a href={withQuery({ from: undefined })}>Newest</a>}
                {next !== null && <a href={withQuery({ from: next })}>Older</a>}
              </nav>
            </>
          )
        }
      </Shown>
    </>
  )
}
