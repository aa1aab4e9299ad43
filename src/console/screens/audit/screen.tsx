import type { NameOf } from '../../api/names.ts'
import { useDeviceNames } from '../../api/read-names.ts'
import { useRead } from '../../api/read.ts'
import { may } from '../../api/session.ts'
import type { Schema } from '../../api/types.ts'
import { place, withQuery, wordIn } from '../../place/router.ts'
import { Badge } from '../../kit/badge.tsx'
import { Empty, Shown } from '../../kit/states.tsx'
import { type Column, Table } from '../../kit/table.tsx'
import { Time } from '../../kit/time.tsx'
import { Filters } from './filters.tsx'
import { outcomeWords, SCOPES, WHAT } from './text.ts'

type Entry = Schema<'AuditEntry'>

const PAGE = 100
const TONES: Readonly<Record<string, 'bad' | 'warn'>> = { destructive: 'bad', secrets: 'warn' }

const columnsOf = (nameOf: NameOf): readonly Column<Entry>[] => [
  {
    id: 'what',
    label: 'Action',
    cell: ({ action, scope }) => {
      const tone = TONES[scope]
      return tone ? <Badge tone={tone}>{action}</Badge> : action
    },
  },
  { id: 'when', label: 'When', cell: ({ at }) => <Time at={at} /> },
  { id: 'who', label: 'Who', cell: ({ actor }) => <Who of={actor} /> },
  {
    id: 'target',
    label: 'On',
    cell: ({ target }) => target && <Target of={target} nameOf={nameOf} />,
  },
  {
    id: 'detail',
    label: 'Reason and facts',
    isLong: true,
    cell: (row) => Object.keys(row.detail).length > 0 && <Detail of={row} />,
  },
  {
    id: 'outcome',
    label: 'Outcome',
    isWide: true,
    cell: ({ outcome }) => outcomeWords(outcome),
  },
]

/** Who did what, by which key, and which secrets were shown. */
export default function Audit() {
  return (
    <>
      <h1>Audit</h1>
      <p class="dim">
        {WHAT} <code>npm run audit -- verify</code>
      </p>
      {may('read') || may('admin') ? (
        <Rows />
      ) : (
        <Empty title="Your key cannot see the audit">
          <p>It needs the scope read or admin. Ask the person who gave it to you.</p>
        </Empty>
      )}
    </>
  )
}

function Rows() {
  const { query } = place.value
  const nameOf = useDeviceNames()
  // An empty word is not sent.
  const word = (name: string): string => query.get(name) ?? ''
  const scope = wordIn(query.get('scope'), ['', ...SCOPES.map(([id]) => id)] as const, '')
  const since = word('since')
  const read = useRead('/api/audit', {
    query: {
      limit: PAGE,
      cursor: word('cursor'),
      actor: word('actor'),
      action: word('action'),
      target: word('target'),
      since: since && `${since}T00:00:00Z`,
      ...(scope !== '' && { scope }),
    },
  })
  return (
    <>
      <Filters />
      <Shown read={read}>
        {({ items, next }) => (
          <>
            {items.length === 0 && next === null ? (
              <Empty title="No row matches">
                <p>
                  <a href={place.value.path}>Clear the filters</a>
                </p>
              </Empty>
            ) : (
              <Table
                label="Audit"
                columns={columnsOf(nameOf)}
                rows={items}
                idOf={({ seq }) => String(seq)}
              />
            )}
            <nav class="pages" aria-label="Pages">
              {word('cursor') !== '' && <a href={withQuery({ cursor: undefined })}>Newest</a>}
              {next !== null && <a href={withQuery({ cursor: next })}>Older</a>}
            </nav>
          </>
        )}
      </Shown>
    </>
  )
}

function Who({ of: { who, name, id } }: { readonly of: Entry['actor'] }) {
  return (
    <a class="plain" href={withQuery({ actor: who ?? id, cursor: undefined })} title={`Key ${id}`}>
      {who ?? name} {who !== null && <span class="dim">{name}</span>}
    </a>
  )
}

function Target({
  of: target,
  nameOf,
}: {
  readonly of: NonNullable<Entry['target']>
  readonly nameOf: NameOf
}) {
  const { type, id } = target
  const to = { device: '/console/devices/', command: '/console/commands/', job: '/console/jobs/' }
  const at = Object.entries(to).find(([name]) => name === type)?.[1]
  return (
    <>
      <span class="dim">{type.replaceAll('_', ' ')}</span>{' '}
      {at === undefined ? (
        id
      ) : (
        <a href={at + encodeURIComponent(id)} title={id}>
          {type === 'device' ? <bdi>{nameOf({ id })}</bdi> : id}
        </a>
      )}
    </>
  )
}

function Detail({ of: { detail } }: { readonly of: Entry }) {
  const { reason, ...others } = detail
  const facts = Object.entries(others).map(
    ([name, value]) => `${name.replaceAll('_', ' ')}: ${[value].flat().join(', ')}`,
  )
  return (
    <>
      {typeof reason === 'string' && <span>{reason}</span>}{' '}
      <span class="dim">{facts.join(' · ')}</span>
    </>
  )
}
