import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { deviceName } from '../../api/names.ts'
import { place, withQuery, wordIn } from '../../place/router.ts'
import { Button } from '../../kit/button.tsx'
import { Section } from '../../kit/facts.tsx'
import { FaultNote, Loading } from '../../kit/states.tsx'
import { pickRow, useRowKeys } from '../../kit/rows.ts'
import { Table } from '../../kit/table.tsx'
import { serverNow } from '../../time/clock.ts'
import { DeviceCard } from '../enrolment/device-card.tsx'
import { BulkBar } from './bulk-bar.tsx'
import { columnsIn, type DeviceColumn, SORTS } from './columns.tsx'
import { NoDevice, NoMatch } from './empty.tsx'
import { Export } from './export.tsx'
import { readWords } from './filter.ts'
import { Chips, ColumnMenu, DeviceFilters } from './filters.tsx'
import { type ListQuery, Pages, type Window } from './pages.tsx'
import { usePicked } from './picked.ts'
import { LIST_WORDS } from './text.ts'

/** The fleet as a list: what is searched, sorted and shown stands in the address. */
export default function Devices() {
  const { query } = place.value
  const words = readWords(query, serverNow())
  const sort = wordIn(query.get('sort'), SORTS, 'device_name')
  const from = query.get('from')
  const asked: ListQuery = { ...words, sort, ...(from !== null && { cursor: from }) }
  const isFiltered = Object.keys(words).length > 0 || from !== null
  useRowKeys({ x: { label: 'Select the row', run: pickRow } })
  return (
    <Pages query={asked}>
      {(window, fault, again) =>
        !window ? (
          <>
            <h1>Devices</h1>
            {fault ? <FaultNote fault={fault} again={again} /> : <Loading lines={8} />}
          </>
        ) : (
          <List window={window} query={asked} isFiltered={isFiltered} sort={sort} />
        )
      }
    </Pages>
  )
}

function List({
  window,
  query,
  isFiltered,
  sort,
}: {
  readonly window: Window
  readonly query: ListQuery
  readonly isFiltered: boolean
  readonly sort: string
}) {
  const [only, ...others] = window.rows
  if (isFiltered || others.length > 0) {
    return <Fleet window={window} query={query} sort={sort} />
  }
  return (
    <>
      <h1>Devices</h1>
      {only ? (
        <Section title={LIST_WORDS.one} actions={<a href="/console/enrolment">Enrol another</a>}>
          <div class="card">
            <DeviceCard device={only} />
          </div>
        </Section>
      ) : (
        <NoDevice />
      )}
    </>
  )
}

function Fleet({
  window,
  query,
  sort,
}: {
  readonly window: Window
  readonly query: ListQuery
  readonly sort: string
}) {
  const { rows, total, fault } = window
  const columns = columnsIn(place.value.query)
  const picked = usePicked(rows, total)
  return (
    <>
      <Head query={query} columns={columns} total={total ?? rows.length} />
      <DeviceFilters />
      <div class="bar found">
        <Chips />
        <p class="dim" role="status">
          {window.isBusy && 'Updating… '}
          {rows.length > 0 && LIST_WORDS.shown(rows.length, total, skipped())}
        </p>
      </div>
      {fault && (
        <div class="note warn" role="status">
          <p>{fault.detail}</p>
          <Button onClick={window.again}>Try again</Button>
        </div>
      )}
      {rows.length === 0 ? (
        <NoMatch />
      ) : (
        <div aria-busy={window.isBusy}>
          <Table
            label="Devices"
            columns={columns}
            rows={rows}
            idOf={({ id }) => id}
            nameOf={deviceName}
            to={({ id }) => `/console/devices/${encodeURIComponent(id)}`}
            sort={sort}
            picks={picked.picks}
          />
          <End window={window} />
        </div>
      )}
      {picked.selection && (
        <BulkBar
          selection={picked.selection}
          rows={rows}
          total={total}
          onAll={picked.all}
          onNone={picked.none}
        />
      )}
    </>
  )
}

function Head({
  query,
  columns,
  total,
}: {
  readonly query: ListQuery
  readonly columns: readonly DeviceColumn[]
  readonly total: number
}) {
  const isExporting = useSignal(false)
  return (
    <header class="bar">
      <h1>Devices</h1>
      <div class="actions">
        <ColumnMenu shown={columns} />
        <Button
          label="Export as CSV"
          onClick={() => {
            isExporting.value = true
          }}
        >
          CSV
        </Button>
      </div>
      {isExporting.value && (
        <Export
          query={query}
          columns={columns}
          total={total}
          onClose={() => {
            isExporting.value = false
          }}
        />
      )}
    </header>
  )
}

/** Rows before the window. */
function skipped(): number {
  const skip = Number(place.value.query.get('skip') ?? 0)
  return Number.isSafeInteger(skip) && skip >= 0 ? skip : 0
}

/** The next page comes before one reaches the end; behind a thousand rows, the next window. */
function End({ window }: { readonly window: Window }) {
  const { rows, next, isFull, more } = window
  const mark = useRef<HTMLDivElement>(null)
  const count = rows.length
  useEffect(() => {
    const watch = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) {
          more()
        }
      },
      { rootMargin: '800px' },
    )
    if (mark.current) {
      watch.observe(mark.current)
    }
    return () => {
      watch.disconnect()
    }
  }, [count, next, more])
  const skip = skipped()
  return (
    <div ref={mark} class="end">
      {(isFull || skip > 0) && (
        <nav class="actions" aria-label="Pages">
          {skip > 0 && <a href={withQuery({ from: undefined, skip: undefined })}>First devices</a>}
          {isFull && next !== null && (
            <>
              <span class="dim">{LIST_WORDS.full}</span>
              <a href={withQuery({ from: next, skip: String(skip + count) })}>Next devices</a>
            </>
          )}
        </nav>
      )}
    </div>
  )
}
