import { type Signal, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { useRead } from '../../../../api/read.ts'
import { Badge } from '../../../../kit/badge.tsx'
import { Empty, Shown } from '../../../../kit/states.tsx'
import { type Column, type Picks, Table, PageLinks } from '../../../../kit/table.tsx'
import { useRowKeys, pickRow } from '../../../../kit/rows.ts'
import { place, withQuery, wordIn } from '../../../../place/router.ts'
import { counted } from '../../../../time/words.ts'
import { DeviceBar } from './bar.tsx'
import { deadlineOf, DeviceRecord } from './record.tsx'
import { DeviceFilters, FILTERS } from './filters.tsx'
import { type Query, SelectAll } from './select-all.tsx'
import { type AppleDevice, outcomeText } from './said.ts'
import { STATUS_WORDS } from '../text.ts'

type NameOfProfile = (uuid: string | null) => string

const PAGE = 100
const STATES = ['', 'empty', 'assigned', 'pushed', 'removed'] as const

/** The devices that Apple Business Manager has assigned to the account, page by page. */
export function Devices({ account }: { readonly account: string }) {
  const { query } = place.value
  const word = (name: string): string => query.get(name) ?? ''
  const status = wordIn(query.get('status'), STATES, '')
  const profiles = useRead('/api/dep/profiles', { query: { account, replaced: true } })
  const known = profiles.state.value.value?.items ?? []
  const matching: Query = {
    account,
    live: word('gone') === '',
    serial_number: word('serial')
      .split(/[\s,]+/)
      .filter((one) => one !== ''),
    model: word('model'),
    family: word('family'),
    profile: word('of'),
    ...(status !== '' && { status }),
    unenrolled: word('unenrolled') !== '',
  }
  const device = word('device')
  const nameOf: NameOfProfile = (uuid) =>
    uuid === null ? '' : (known.find((one) => one.uuid === uuid)?.name ?? 'of another server')
  return (
    <>
      <DeviceFilters profiles={known.filter(({ replaced_at: at }) => at === null)} />
      <Matching
        // Another filter ends the selection.
        key={JSON.stringify(matching)}
        account={account}
        matching={matching}
        nameOf={nameOf}
      />
      {device !== '' && <DeviceRecord id={device} nameOf={nameOf} />}
    </>
  )
}

/** The devices that match, and which of them are selected: that outlives the page of the list. */
function Matching({
  account,
  matching,
  nameOf,
}: {
  readonly account: string
  readonly matching: Query
  readonly nameOf: NameOfProfile
}) {
  const picked = useSignal<ReadonlySet<string>>(new Set())
  /** It was found on all pages: a page that is shown is no part of it. */
  const isAll = useSignal(false)
  const cursor = place.value.query.get('cursor') ?? ''
  const read = useRead('/api/dep/devices', { query: { ...matching, limit: PAGE, cursor } })
  return (
    <Shown read={read}>
      {({ items, next, total }) =>
        items.length === 0 ? (
          <NoDevices />
        ) : (
          <>
            {total !== null && <p class="dim">{counted(total, 'device')}</p>}
            <Rows
              account={account}
              rows={items.flatMap((one) => one ?? [])}
              matching={matching}
              total={total}
              nameOf={nameOf}
              picked={picked}
              isAll={isAll}
            />
            <PageLinks next={next} />
          </>
        )
      }
    </Shown>
  )
}

function NoDevices() {
  const isFiltered = FILTERS.some((name) => place.value.query.get(name) !== null)
  return isFiltered ? (
    <Empty title="No device matches">
      <p>
        <a href={withQuery(Object.fromEntries(FILTERS.map((name) => [name, undefined])))}>
          Clear the filters
        </a>
      </p>
    </Empty>
  ) : (
    <Empty title="No device yet">
      <p>
        Assign devices to this server at business.apple.com, then press Sync now. New ones come by
        themselves within half an hour.
      </p>
    </Empty>
  )
}

const columnsOf = (nameOf: NameOfProfile): readonly Column<AppleDevice>[] => [
  { id: 'serial', label: 'Serial number', cell: ({ id }) => <span class="mono">{id}</span> },
  { id: 'model', label: 'Model', cell: ({ model, family }) => model ?? family },
  {
    id: 'profile',
    label: 'Profile',
    cell: ({ profile_uuid: uuid, profile_status: status }) =>
      status === 'removed' ? '' : <bdi>{nameOf(uuid)}</bdi>,
  },
  {
    id: 'state',
    label: 'State',
    isAside: true,
    cell: (row) => <State of={row} />,
  },
  {
    id: 'enrolled',
    label: 'Enrolled',
    isWide: true,
    cell: ({ device_id: id }) =>
      id === null ? (
        <span class="dim">no</span>
      ) : (
        <a href={`/console/devices/${encodeURIComponent(id)}`}>Open device</a>
      ),
  },
  {
    id: 'deadline',
    label: 'Migration deadline',
    cell: deadlineOf,
  },
]

function State({ of: { profile_status: status, outcome, live } }: { readonly of: AppleDevice }) {
  if (!live) {
    return <Badge tone="quiet">Left the account</Badge>
  }
  const failed = outcomeText(outcome)
  const [tone, word] = STATUS_WORDS[status]
  return failed === undefined ? (
    <Badge tone={tone}>{word}</Badge>
  ) : (
    <span title={failed}>
      <Badge tone="bad">Assignment failed</Badge>
    </span>
  )
}

function Rows({
  account,
  rows,
  matching,
  total,
  nameOf,
  picked,
  isAll,
}: {
  readonly account: string
  readonly rows: readonly AppleDevice[]
  readonly matching: Query
  /** All that match; null while it is not known. */
  readonly total: number | null
  readonly nameOf: NameOfProfile
  readonly picked: Signal<ReadonlySet<string>>
  readonly isAll: Signal<boolean>
}) {
  const none = (): void => {
    picked.value = new Set()
    isAll.value = false
  }
  const ids = rows.map(({ id }) => id)
  // The list is read again by itself: what is selected stays, as far as it is there.
  useEffect(() => {
    if (!isAll.value) {
      picked.value = new Set(ids.filter((id) => picked.value.has(id)))
    }
  }, [rows])
  useRowKeys({ x: { label: 'Select the row', run: pickRow } })
  const { size } = picked.value
  const picks: Picks = {
    has: (id) => picked.value.has(id),
    pick: (changed, isOn) => {
      const others = [...picked.value].filter((id) => !changed.includes(id))
      picked.value = new Set(isOn ? [...others, ...changed] : others)
    },
    all: {
      label: `Select ${counted(rows.length, 'device')}`,
      isOn: size === 0 ? false : ids.every((id) => picked.value.has(id)) ? true : 'some',
      press: () => {
        if (size > 0) {
          none()
        } else {
          picked.value = new Set(ids)
        }
      },
    },
  }
  return (
    <>
      <Table
        label="Devices of Apple Business Manager"
        columns={columnsOf(nameOf)}
        rows={rows}
        idOf={({ id }) => id}
        to={({ id }) => withQuery({ device: id })}
        picks={picks}
      />
      {size > 0 && (
        <DeviceBar account={account} ids={[...picked.value]} onNone={none}>
          {total !== null && size < total && (
            <SelectAll
              query={matching}
              total={total}
              onFound={(found) => {
                picked.value = new Set(found)
                isAll.value = true
              }}
            />
          )}
        </DeviceBar>
      )}
    </>
  )
}
