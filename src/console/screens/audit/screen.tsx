import type { NameOf } from '../../api/names.ts'
import { useDeviceNames } from '../../api/read-names.ts'
import { useRead } from '../../api/read.ts'
import { may } from '../../api/session.ts'
import type { Schema } from '../../api/types.ts'
import { place, withQuery, wordIn } from '../../place/router.ts'
import { Badge } from '../../kit/badge.tsx'
import { Empty, Shown } from '../../kit/states.tsx'
import { type Column, Table, NEWEST_FIRST, PageLinks } from '../../kit/table.tsx'
import { Time } from '../../kit/time.tsx'
import { actionWords } from './actions.ts'
import { Filters } from './filters.tsx'
import { outcomeWords, SCOPES, WHAT } from './text.ts'

type Entry = Schema<'AuditEntry'>

const PAGE = 100
const EACH = 15_000
/** What a reader looks at first. The shape of `bad` would say that the deed failed. */
const MARKED: ReadonlySet<string> = new Set(['destructive', 'secrets'])

/** Where the page of a thing is, by the type of the thing. */
const PAGES: Readonly<Record<string, string>> = {
  blueprint: 'blueprints',
  command: 'commands',
  declaration: 'declarations',
  device: 'devices',
  job: 'jobs',
  profile: 'profiles',
  set: 'sets',
  software_update: 'updates',
  webhook: 'webhooks',
}

const columnsOf = (nameOf: NameOf, rows: readonly Entry[]): readonly Column<Entry>[] => [
  {
    id: 'what',
    label: 'Action',
    isLong: true,
    cell: ({ action, scope, detail: { request_type: type } }) => {
      const words = [actionWords(action), ...(typeof type === 'string' ? [type] : [])].join(': ')
      return (
        <a class="plain" href={withQuery({ action, cursor: undefined })} title={action}>
          {MARKED.has(scope) ? <Badge tone="warn">{words}</Badge> : words}
        </a>
      )
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
    cell: (row) => outcomeWords(row, rows),
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
  const asked = {
    limit: PAGE,
    cursor: word('cursor'),
    actor: word('actor'),
    action: word('action'),
    target: word('target'),
    since: since && `${since}T00:00:00Z`,
    ...(scope !== '' && { scope }),
  }
  const read = useRead('/api/audit', { query: asked }, { each: EACH })
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
                columns={columnsOf(nameOf, items)}
                rows={items}
                idOf={({ seq }) => String(seq)}
              />
            )}
            <PageLinks next={next} words={NEWEST_FIRST} />
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
  const at = PAGES[type]
  return (
    <>
      <span class="dim">{type.replaceAll('_', ' ')}</span>{' '}
      {at === undefined ? (
        id
      ) : (
        <a href={`/console/${at}/${encodeURIComponent(id)}`} title={id}>
          {type === 'device' ? <bdi>{nameOf({ id })}</bdi> : id}
        </a>
      )}
    </>
  )
}

function Detail({ of: { detail } }: { readonly of: Entry }) {
  // The queue of the device has the commands of a list, and the API their ids.
  const { reason, command_id: command, command_ids: _ids, request_type: _type, ...others } = detail
  const facts = Object.entries(others).map(
    ([name, value]) => `${name.replaceAll('_', ' ')}: ${[value].flat().join(', ')}`,
  )
  return (
    <>
      {typeof reason === 'string' && <span>{reason}</span>}{' '}
      <span class="dim">{facts.join(' · ')}</span>
      {typeof command === 'string' && (
        <>
          {' '}
          <a href={`/console/commands/${encodeURIComponent(command)}`} title={command}>
            Open command
          </a>
        </>
      )}
    </>
  )
}
