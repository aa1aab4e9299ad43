import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { useRead } from '../../../api/read.ts'
import { may } from '../../../api/session.ts'
import type { Schema } from '../../../api/types.ts'
import { go, place, withQuery } from '../../../place/router.ts'
import { Badge } from '../../../kit/badge.tsx'
import { Button, needs } from '../../../kit/button.tsx'
import { Choice, Field } from '../../../kit/field.tsx'
import { useRowKeys } from '../../../kit/rows.ts'
import { Empty, Shown } from '../../../kit/states.tsx'
import { Table, type Column, PageLinks } from '../../../kit/table.tsx'
import { Time } from '../../../kit/time.tsx'
import { after } from '../../../time/clock.ts'
import { CatalogTabs } from './catalog-tabs.tsx'
import { Failures } from './failures.tsx'
import { NewDeclaration } from './form/new-declaration.tsx'
import { StateCounts } from './state-counts.tsx'
import { declarationPage, NO_DECLARATIONS, shortType } from './text.ts'

type Listed = Schema<'ListedDeclaration'>

const EACH = 15_000
const PAGE = 100
const MOST_SETS = 1000
/** A typist’s pause. */
const PAUSE = 150

const COLUMNS: readonly Column<Listed>[] = [
  { id: 'id', label: 'Identifier', cell: ({ id }) => <bdi>{id}</bdi> },
  {
    id: 'states',
    label: 'On devices',
    isAside: true,
    cell: ({ id, states }) => <StateCounts id={id} states={states} />,
  },
  {
    id: 'type',
    label: 'Type',
    cell: ({ type }) => (
      <span class="short-type" title={type}>
        {shortType(type)}
      </span>
    ),
  },
  {
    id: 'sets',
    label: 'Sets',
    cell: ({ sets }) => (sets.length === 0 ? <span class="dim">in no set</span> : sets.join(', ')),
  },
  {
    id: 'version',
    label: 'Version',
    isNumber: true,
    isWide: true,
    cell: ({ version, server_token: token, rollout_percent: percent }) => (
      <span title={`ServerToken ${token}`}>
        {version} {percent !== null && <Badge tone="busy">{percent} % of devices</Badge>}
      </span>
    ),
  },
  { id: 'at', label: 'Changed', isWide: true, cell: ({ changed_at: at }) => <Time at={at} /> },
]

/** What failed on the fleet, then every declaration with its states. */
export default function Declarations() {
  if (place.value.query.get('new') !== null) {
    return <NewDeclaration />
  }
  return (
    <>
      <header class="bar">
        <h1>Declarations</h1>
        <Button
          tone="main"
          why={needs('config', may('config'))}
          onClick={() => {
            go('/console/declarations?new=')
          }}
        >
          New declaration…
        </Button>
      </header>
      <CatalogTabs current="declarations" />
      <Failures />
      <List />
    </>
  )
}

function List() {
  const { query } = place.value
  // An empty word is not sent.
  const word = (name: string): string => query.get(name) ?? ''
  const [q, type, set, cursor] = [word('q'), word('type'), word('set'), word('cursor')]
  useRowKeys()
  const read = useRead(
    '/api/declarations',
    { query: { limit: PAGE, cursor, q, type, set } },
    { each: EACH },
  )
  const isFiltered = `${q}${type}${set}${cursor}` !== ''
  return (
    <>
      <Filters />
      <Shown read={read}>
        {({ items, next }) =>
          items.length > 0 ? (
            <>
              <Table
                label="Declarations"
                columns={COLUMNS}
                rows={items}
                idOf={({ id }) => id}
                to={({ id }) => declarationPage(id)}
              />
              <PageLinks next={next} />
            </>
          ) : isFiltered ? (
            <Empty title="No declaration matches">
              <p>
                <a href={place.value.path}>Clear the filters</a>
              </p>
            </Empty>
          ) : (
            <Empty title="No declaration yet">
              <p>{NO_DECLARATIONS}</p>
            </Empty>
          )
        }
      </Shown>
    </>
  )
}

const choose =
  (word: 'type' | 'set') =>
  (value: string): void => {
    go(withQuery({ [word]: value, cursor: undefined }), { replace: true })
  }

/** The filters stand in the address: a link shows the same declarations. */
function Filters() {
  const { query } = place.value
  const types = useRead('/api/declaration-types', {}).state.value.value
  const sets = useRead('/api/sets', { query: { limit: MOST_SETS } }).state.value.value
  const [type, set] = [query.get('type') ?? '', query.get('set') ?? '']
  return (
    <div class="catalog-filters" role="search">
      <Search />
      <Choice
        label="Type"
        value={type}
        none="All types"
        of={withOwn(types?.items.map((one) => one.type) ?? [], type).map((one) => [
          one,
          shortType(one),
        ])}
        onChoose={choose('type')}
      />
      <Choice
        label="Set"
        value={set}
        none="All sets"
        of={withOwn(sets?.items.map(({ id }) => id) ?? [], set).map((one) => [one, one])}
        onChoose={choose('set')}
      />
    </div>
  )
}

/** The chosen value is among those to choose, also before they are read. */
function withOwn(words: readonly string[], own: string): readonly string[] {
  return own === '' || words.includes(own) ? words : [own, ...words]
}

function Search() {
  const typed = useSignal<string | undefined>(undefined)
  const text = typed.value
  useEffect(
    () =>
      text === undefined
        ? undefined
        : after(PAUSE, () => {
            go(withQuery({ q: text.trim(), cursor: undefined }), { replace: true })
          }),
    [text],
  )
  return (
    <Field
      label="Search"
      type="search"
      value={text ?? place.value.query.get('q') ?? ''}
      more={{ placeholder: 'Identifier or type', autocomplete: 'off', spellcheck: false }}
      onInput={(word) => {
        typed.value = word
      }}
    />
  )
}
