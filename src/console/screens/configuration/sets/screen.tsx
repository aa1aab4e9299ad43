import { useRead } from '../../../api/read.ts'
import { may } from '../../../api/session.ts'
import type { Schema } from '../../../api/types.ts'
import { go, place, withQuery } from '../../../place/router.ts'
import { Button, needs } from '../../../kit/button.tsx'
import { useRowKeys } from '../../../kit/rows.ts'
import { Empty, Shown } from '../../../kit/states.tsx'
import { Table, type Column, PageLinks } from '../../../kit/table.tsx'
import { counted } from '../../../time/words.ts'
import { CatalogTabs } from '../declarations/catalog-tabs.tsx'
import { NEW_SET, ruleWords } from './rule.ts'
import { SetForm } from './set-form.tsx'
import { setPage, WHAT_SETS_ARE } from './text.ts'

const PAGE = 100

const COLUMNS: readonly Column<Schema<'DeclarationSet'>>[] = [
  { id: 'id', label: 'Name', cell: ({ id }) => <bdi>{id}</bdi> },
  {
    id: 'rule',
    label: 'Devices by rule',
    cell: ({ rule }) => (rule === null ? <span class="dim">members only</span> : ruleWords(rule)),
  },
  {
    id: 'declarations',
    label: 'Gives',
    cell: ({ declaration_count: count }) => counted(count, 'declaration'),
  },
  { id: 'description', label: 'Description', isWide: true, cell: (set) => set.description },
  { id: 'owner', label: 'Made by', isWide: true, cell: ({ owner }) => owner ?? 'you' },
]

/** Every set: which devices it takes, and how many declarations it has. */
export default function Sets() {
  const { query } = place.value
  const cursor = query.get('cursor') ?? ''
  const read = useRead('/api/sets', { query: { limit: PAGE, cursor } }, { each: 15_000 })
  useRowKeys()
  return (
    <>
      <header class="bar">
        <h1>Sets</h1>
        <Button
          tone="main"
          why={needs('config', may('config'))}
          onClick={() => {
            go(withQuery({ new: 'set' }))
          }}
        >
          New set…
        </Button>
      </header>
      <CatalogTabs current="sets" />
      <Shown read={read}>
        {({ items, next }) =>
          items.length === 0 && cursor === '' ? (
            <Empty title="No set yet">
              <p>{WHAT_SETS_ARE}</p>
            </Empty>
          ) : (
            <>
              <Table
                label="Sets"
                columns={COLUMNS}
                rows={items}
                idOf={({ id }) => id}
                to={({ id }) => setPage(id)}
              />
              <PageLinks next={next} />
            </>
          )
        }
      </Shown>
      {query.get('new') !== null && (
        <SetForm
          begin={NEW_SET}
          isNew
          onStored={(id) => {
            go(setPage(id), { replace: true })
          }}
          onClose={() => {
            go(withQuery({ new: undefined }), { replace: true })
          }}
        />
      )}
    </>
  )
}
