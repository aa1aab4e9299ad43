import { useRead } from '../../../api/read.ts'
import { may } from '../../../api/session.ts'
import type { Schema } from '../../../api/types.ts'
import { Badge } from '../../../kit/badge.tsx'
import { Button, needs } from '../../../kit/button.tsx'
import { Empty, Shown } from '../../../kit/states.tsx'
import { type Column, Table } from '../../../kit/table.tsx'
import { Tabs } from '../../../kit/tabs.tsx'
import { Time } from '../../../kit/time.tsx'
import { go, place, wordIn } from '../../../place/router.ts'
import { matchText } from './fields.ts'
import { Preview } from './preview.tsx'
import { SetupUsers } from './users.tsx'

type Blueprint = Schema<'Blueprint'>

const HERE = '/console/blueprints'
const TABS = ['blueprints', 'users', 'preview'] as const

/** What devices get when they enrol, the accounts that Macs get, and what one device would get. */
export default function Blueprints() {
  const tab = wordIn(place.value.query.get('tab'), TABS, 'blueprints')
  return (
    <>
      <header class="bar">
        <h1>Blueprints</h1>
        {tab === 'blueprints' && (
          <Button
            tone="main"
            why={needs('config', may('config'))}
            onClick={() => {
              go(`${HERE}/${crypto.randomUUID()}?new=1`)
            }}
          >
            New blueprint
          </Button>
        )}
      </header>
      <p class="dim">
        A blueprint says what a device gets when it enrols, in which order, and when it leaves Setup
        Assistant.
      </p>
      <Tabs
        label="Parts of blueprints"
        current={tab}
        tabs={[
          { id: 'blueprints', to: HERE, label: 'Blueprints' },
          { id: 'users', to: `${HERE}?tab=users`, label: 'Setup users' },
          { id: 'preview', to: `${HERE}?tab=preview`, label: 'What would a device get?' },
        ]}
      />
      {tab === 'blueprints' && <List />}
      {tab === 'users' && <SetupUsers />}
      {tab === 'preview' && <Preview />}
    </>
  )
}

const COLUMNS: readonly Column<Blueprint>[] = [
  { id: 'name', label: 'Name', cell: ({ name }) => <bdi>{name}</bdi> },
  {
    id: 'for',
    label: 'For',
    cell: ({ match, apply_at: at }) =>
      at.includes('Enroll') ? <bdi>{matchText(match)}</bdi> : <Badge tone="quiet">Off</Badge>,
  },
  {
    id: 'steps',
    label: 'Steps',
    isWide: true,
    cell: ({ steps }) => steps.map((step) => String(step['do'])).join(', '),
  },
  {
    id: 'priority',
    label: 'Priority',
    isNumber: true,
    isWide: true,
    cell: ({ priority }) => priority,
  },
  {
    id: 'changed',
    label: 'Changed',
    isAside: true,
    cell: ({ changed_at: at }) => <Time at={at} />,
  },
]

function List() {
  const read = useRead('/api/blueprints', {})
  return (
    <Shown read={read}>
      {({ items }) =>
        items.length === 0 ? (
          <Empty title="No blueprint yet">
            <p>
              Devices enrol without one, and get nothing by themselves. Those that wait in Setup
              Assistant have to be released by hand.
            </p>
          </Empty>
        ) : (
          <Table
            label="Blueprints"
            columns={COLUMNS}
            rows={items}
            idOf={({ id }) => id}
            to={({ id }) => `${HERE}/${encodeURIComponent(id)}`}
          />
        )
      }
    </Shown>
  )
}
