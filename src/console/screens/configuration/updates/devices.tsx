import { deviceName } from '../../../api/names.ts'
import { useRead } from '../../../api/read.ts'
import type { Schema } from '../../../api/types.ts'
import { Badge } from '../../../kit/badge.tsx'
import { useRowKeys } from '../../../kit/rows.ts'
import { Empty, Shown } from '../../../kit/states.tsx'
import { type Column, Table } from '../../../kit/table.tsx'
import { Tabs } from '../../../kit/tabs.tsx'
import { Time } from '../../../kit/time.tsx'
import { place, withQuery, wordIn } from '../../../place/router.ts'
import { adviceOf, countsOf, UPDATE_STATE_ORDER, UPDATE_WORDS } from './text.ts'

type Device = Schema<'SoftwareUpdateDevice'>
type Detail = Schema<'SoftwareUpdateDetail'>

const LOOKS_AGAIN_AFTER = 15_000
const PAGE = 100
const ALL = 'all'

const COLUMNS: readonly Column<Device>[] = [
  { id: 'name', label: 'Device', cell: (device) => <bdi>{deviceName(device)}</bdi> },
  {
    id: 'os',
    width: '8rem',
    label: 'Has',
    cell: ({ platform, os_version: version }) => `${platform} ${version ?? ''}`,
  },
  {
    id: 'state',
    width: '12rem',
    label: 'State',
    cell: ({ state, overdue, failures }) => (
      <>
        <Badge tone={UPDATE_WORDS[state].tone}>{UPDATE_WORDS[state].word}</Badge>
        {failures > 1 && <span class="dim"> {failures.toLocaleString('en-GB')} times</span>}
        {overdue && <Badge tone="bad">Overdue</Badge>}
      </>
    ),
  },
  {
    id: 'reason',
    width: '19rem',
    label: 'Why, and what to do',
    isLong: true,
    cell: ({ reason, state, way }) => {
      const advice = adviceOf(state, way)
      return (
        (reason !== null || advice !== '') && (
          <>
            {reason !== null && <bdi>{reason}. </bdi>}
            <span class="dim">{advice}</span>
          </>
        )
      )
    },
  },
  {
    id: 'reported',
    width: '7rem',
    label: 'Reported',
    isAside: true,
    cell: ({ reported_at: at }) => <Time at={at} />,
  },
]

const to = (word: string | undefined): string => withQuery({ state: word, from: undefined })

/** Each device of a policy. The states are links, with their counts. */
export function UpdateDevices({
  of: { id },
  progress,
}: {
  readonly of: Detail
  readonly progress: NonNullable<Detail['progress']>
}) {
  const { query } = place.value
  const state = wordIn(query.get('state'), UPDATE_STATE_ORDER, ALL)
  const cursor = query.get('from')
  const read = useRead(
    '/api/software-updates/{id}/devices',
    {
      path: { id },
      query: {
        limit: PAGE,
        ...(state !== ALL && { state: [state] }),
        ...(cursor !== null && { cursor }),
      },
    },
    { each: LOOKS_AGAIN_AFTER },
  )
  useRowKeys()
  const counts = countsOf(progress)
  return (
    <>
      <Tabs
        label="Devices by state"
        current={state}
        tabs={[
          { id: ALL, to: to(undefined), label: 'All', count: progress.devices },
          ...counts.map(({ state: one, word, count }) => ({
            id: one,
            to: to(one),
            label: word,
            count,
          })),
        ]}
      />
      <Shown read={read}>
        {({ items, next }) =>
          items.length === 0 && next === null ? (
            <Empty
              title={state === ALL ? 'No enrolled device fits' : 'No device is in this state'}
            />
          ) : (
            <>
              <Table
                label="Devices of the update"
                columns={COLUMNS}
                rows={items}
                idOf={(device) => device.id}
                to={(device) => `/console/devices/${encodeURIComponent(device.id)}`}
              />
              <nav class="actions end" aria-label="Pages">
                {cursor !== null && (
                  <a href={to(state === ALL ? undefined : state)}>First devices</a>
                )}
                {next !== null && <a href={withQuery({ from: next })}>Next devices</a>}
              </nav>
            </>
          )
        }
      </Shown>
    </>
  )
}
