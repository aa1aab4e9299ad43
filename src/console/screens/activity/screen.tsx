import { useSignal } from '@preact/signals'
import { get } from '../../api/call.ts'
import type { Fault } from '../../api/fault.ts'
import { live, useLive } from '../../api/live.ts'
import type { NameOf } from '../../api/names.ts'
import { useDeviceNames } from '../../api/read-names.ts'
import type { Activity } from '../../api/news.ts'
import { useRead } from '../../api/read.ts'
import { go, place, withQuery } from '../../place/router.ts'
import { Button } from '../../kit/button.tsx'
import { Empty, FaultNote, Shown } from '../../kit/states.tsx'
import { type Column, Table } from '../../kit/table.tsx'
import { serverNow } from '../../time/clock.ts'
import { absolute, clockTime, relative } from '../../time/words.ts'
import { Filters } from './filters.tsx'
import { type ActivityFilter, askedOf, fits, linkOf, mergeEntries, pausedAt } from './model.ts'
import { FILTERS, TEXT, wordsOf } from './text.ts'

const EACH = 15_000
const HALF_A_DAY = 12 * 3_600_000

const columnsOf = (nameOf: NameOf): readonly Column<Activity>[] => [
  { id: 'what', label: TEXT.kind, cell: wordsOf },
  {
    id: 'device',
    label: TEXT.device,
    cell: ({ device_id: id, ...known }) =>
      id === null ? (
        ''
      ) : (
        <a href={`/console/devices/${encodeURIComponent(id)}`}>
          <bdi>{nameOf({ ...known, id })}</bdi>
        </a>
      ),
  },
  { id: 'actor', label: TEXT.actor, isWide: true, cell: ({ actor }) => actor ?? '' },
  {
    id: 'at',
    label: 'When',
    cell: ({ at }) => (
      <time dateTime={at} title={absolute(Date.parse(at))}>
        {timeOf(Date.parse(at))}
      </time>
    ),
  },
]

/** A time of today needs no day. */
function timeOf(time: number): string {
  const now = serverNow()
  return now - time < HALF_A_DAY ? clockTime(time) : relative(time, now)
}

/** What happens in the fleet, as it happens. */
export default function ActivityScreen() {
  const { query } = place.value
  const filter: ActivityFilter = {
    kind: FILTERS.map(([word]) => word).find((word) => word === query.get('kind')) ?? '',
    device: query.get('device') ?? '',
    actor: query.get('actor') ?? '',
  }
  const asked = askedOf(filter)
  const read = useRead('/api/activity', { query: asked }, { each: EACH })
  return (
    <>
      <h1>{TEXT.title}</h1>
      <p class="dim">{TEXT.lead}</p>
      <Filters filter={filter} />
      <Shown read={read}>
        {({ items, next }) => (
          <Feed key={JSON.stringify(asked)} newest={items} next={next} filter={filter} />
        )}
      </Shown>
    </>
  )
}

function Feed({
  newest,
  next,
  filter,
}: {
  readonly newest: readonly Activity[]
  readonly next: string | null
  readonly filter: ActivityFilter
}) {
  const nameOf = useDeviceNames()
  const told = useSignal<readonly Activity[]>([])
  const older = useSignal<{ readonly items: readonly Activity[]; readonly next: string | null }>({
    items: [],
    next,
  })
  const fault = useSignal<Fault | undefined>(undefined)
  const paused = useSignal<number | undefined>(undefined)
  useLive(undefined, (entry) => {
    if (fits(filter, entry)) {
      told.value = mergeEntries([entry], told.value)
    }
  })
  // What the stream told stays when the list is read again.
  const all = mergeEntries(told.value, newest, older.value.items)
  const { shown, more } = pausedAt(all, paused.value)
  const readOlder = async (): Promise<void> => {
    const cursor = older.value.next ?? ''
    const answer = await get('/api/activity', { query: { ...askedOf(filter), cursor } })
    fault.value = answer.ok ? undefined : answer.fault
    if (answer.ok) {
      const items = [...older.value.items, ...answer.value.items]
      older.value = { items, next: answer.value.next }
    }
  }
  return (
    <>
      <div class="bar">
        <Pause
          more={more}
          isPaused={paused.value !== undefined}
          onChange={(isPaused) => {
            paused.value = isPaused ? (all[0]?.id ?? 0) : undefined
          }}
        />
        {live.value === 'not-live' && <span class="dim">Not live: refreshed every 15 s</span>}
      </div>
      {shown.length === 0 ? (
        <Nothing isFiltered={filter.kind + filter.device + filter.actor !== ''} />
      ) : (
        <Table
          label={TEXT.title}
          columns={columnsOf(nameOf)}
          rows={shown}
          idOf={({ id }) => String(id)}
          to={linkOf}
        />
      )}
      {fault.value && <FaultNote fault={fault.value} />}
      {older.value.next !== null && <Button onClick={readOlder}>{TEXT.older}</Button>}
    </>
  )
}

/** A list that moves by itself can be stopped (WCAG 2.2, success criterion 2.2.2). */
function Pause({
  more,
  isPaused,
  onChange,
}: {
  readonly more: number
  readonly isPaused: boolean
  readonly onChange: (isPaused: boolean) => void
}) {
  return (
    <>
      <Button
        onClick={() => {
          onChange(!isPaused)
        }}
      >
        {isPaused ? TEXT.resume : TEXT.pause}
      </Button>
      <span role="status">{isPaused && TEXT.paused(more)}</span>
    </>
  )
}

function Nothing({ isFiltered }: { readonly isFiltered: boolean }) {
  return isFiltered ? (
    <Empty title={TEXT.noMatch}>
      <Button
        onClick={() => {
          go(withQuery({ kind: '', device: '', actor: '' }))
        }}
      >
        {TEXT.clear}
      </Button>
    </Empty>
  ) : (
    <Empty title={TEXT.nothing}>
      <p>{TEXT.since}</p>
      <p>
        <a href="/console/audit">Open the audit</a>
      </p>
    </Empty>
  )
}
