import { signal } from '@preact/signals'
import { deviceName } from '../../api/names.ts'
import { Badge } from '../../kit/badge.tsx'
import type { Column } from '../../kit/table.tsx'
import { Ends, Time } from '../../kit/time.tsx'
import type { ListedDevice, ListQuery } from './pages.tsx'
import { ENROLLMENT_WORDS, PUSH_WORDS, RENEWAL_WORDS, STATE_WORDS } from './text.ts'

/** A column of the list, and of its CSV. */
export interface DeviceColumn extends Column<ListedDevice> {
  readonly csv: (row: ListedDevice) => string | null | undefined
  /** Shown if nothing was chosen. */
  readonly isUsual?: boolean
}

const STATE_TONES = {
  unknown: 'quiet',
  authenticated: 'busy',
  enrolled: 'good',
  checked_out: 'quiet',
} as const
const PUSH_TONES = { none: 'quiet', ready: 'good', failing: 'bad' } as const

export const COLUMNS: readonly DeviceColumn[] = [
  {
    id: 'name',
    label: 'Name',
    sort: 'device_name',
    isUsual: true,
    // A name of another direction turns nothing around it.
    cell: (row) => <bdi>{deviceName(row)}</bdi>,
    csv: (row) => row.device_name,
  },
  {
    id: 'serial',
    width: '7.5rem',
    label: 'Serial',
    sort: 'serial_number',
    isUsual: true,
    cell: (row) => row.serial_number && <bdi class="mono">{row.serial_number}</bdi>,
    csv: (row) => row.serial_number,
  },
  {
    id: 'model',
    width: '7.5rem',
    label: 'Model',
    sort: 'model_name',
    isUsual: true,
    cell: (row) =>
      (row.model_name || row.product_name) && <bdi>{row.model_name || row.product_name}</bdi>,
    csv: (row) => row.model_name || row.product_name,
  },
  {
    id: 'os',
    width: '7.25rem',
    label: 'OS',
    sort: 'os_version',
    isUsual: true,
    cell: (row) => (
      <bdi>
        {row.platform && <span class="wide">{row.platform} </span>}
        {row.os_version}
      </bdi>
    ),
    csv: (row) => [row.platform, row.os_version].filter(Boolean).join(' '),
  },
  {
    id: 'state',
    width: '8.75rem',
    label: 'State',
    sort: 'state',
    isUsual: true,
    isWide: true,
    // What an admin has to know first stands in the place of what is usual.
    cell: (row) =>
      row.blocked ? (
        <Badge tone="bad">Blocked</Badge>
      ) : row.contested ? (
        <Badge tone="warn">Contested</Badge>
      ) : (
        <Badge tone={STATE_TONES[row.state]}>{STATE_WORDS[row.state]}</Badge>
      ),
    csv: (row) => row.state,
  },
  {
    id: 'push',
    width: '6.75rem',
    label: 'Push',
    sort: 'push_state',
    isUsual: true,
    cell: ({ push_state: push }) => <Badge tone={PUSH_TONES[push]}>{PUSH_WORDS[push]}</Badge>,
    csv: (row) => row.push_state,
  },
  {
    id: 'seen',
    width: '7.25rem',
    label: 'Last seen',
    sort: 'last_seen_at',
    isUsual: true,
    isAside: true,
    cell: (row) => <Time at={row.last_seen_at} />,
    csv: (row) => row.last_seen_at,
  },
  {
    id: 'users',
    width: '8rem',
    label: 'Users',
    isWide: true,
    cell: (row) => <bdi>{row.users.join(', ')}</bdi>,
    csv: (row) => row.users.join(' '),
  },
  {
    id: 'udid',
    width: '20rem',
    label: 'UDID',
    sort: 'id',
    isWide: true,
    cell: (row) => <bdi class="mono">{row.id}</bdi>,
    csv: (row) => row.id,
  },
  {
    id: 'build',
    width: '6rem',
    label: 'Build',
    isWide: true,
    cell: (row) => row.build_version,
    csv: (row) => row.build_version,
  },
  {
    id: 'platform',
    width: '6rem',
    label: 'Platform',
    isWide: true,
    cell: (row) => row.platform,
    csv: (row) => row.platform,
  },
  {
    id: 'enrolled',
    width: '7.5rem',
    label: 'Enrolled',
    sort: 'enrolled_at',
    isWide: true,
    cell: (row) => <Time at={row.enrolled_at} never="not known" />,
    csv: (row) => row.enrolled_at,
  },
  {
    id: 'enrolment',
    width: '13rem',
    label: 'Enrolment',
    isWide: true,
    cell: (row) => row.enrollment_type && ENROLLMENT_WORDS[row.enrollment_type],
    csv: (row) => row.enrollment_type,
  },
  {
    id: 'supervised',
    width: '7rem',
    label: 'Supervised',
    isWide: true,
    cell: (row) => (row.supervised === null ? 'not known' : row.supervised ? 'Yes' : 'No'),
    csv: (row) => (row.supervised === null ? '' : String(row.supervised)),
  },
  {
    id: 'identity',
    width: '10rem',
    label: 'Identity',
    sort: 'identity_not_after',
    isWide: true,
    cell: (row) => row.identity_not_after && <Ends at={row.identity_not_after} />,
    csv: (row) => row.identity_not_after,
  },
  {
    id: 'renewal',
    width: '6rem',
    label: 'Renewal',
    isWide: true,
    cell: (row) => row.renewal && RENEWAL_WORDS[row.renewal],
    csv: (row) => row.renewal,
  },
]

/** The words of `?sort=`. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the columns name the API's words
export const SORTS = COLUMNS.flatMap(({ sort }) =>
  sort === undefined ? [] : [sort, `-${sort}`],
) as NonNullable<ListQuery['sort']>[]

const STORED = 'edgemdm-columns'
/** The columns of the last visit, for an address without `cols`. */
const stored = signal(localStorage.getItem(STORED) ?? '')

/** The shown columns, in their order. The name stays: it is the link. */
export function columnsIn(query: URLSearchParams): readonly DeviceColumn[] {
  const ids = (query.get('cols') ?? stored.value).split(',')
  const known = ids.flatMap((id) => COLUMNS.find((column) => column.id === id) ?? [])
  const shown = known.length > 0 ? known : COLUMNS.filter(({ isUsual }) => isUsual)
  const [name] = COLUMNS
  return name === undefined || shown.includes(name)
    ? [...new Set(shown)]
    : [name, ...new Set(shown)]
}

/** @returns the word of the address for these columns */
export function keepColumns(ids: readonly string[]): string {
  const word = ids.join(',')
  localStorage.setItem(STORED, word)
  stored.value = word
  return word
}
