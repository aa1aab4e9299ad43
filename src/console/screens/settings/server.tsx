import type { ComponentChildren } from 'preact'
import { useRead } from '../../api/read.ts'
import { may } from '../../api/session.ts'
import type { Schema } from '../../api/types.ts'
import { go, place, withQuery } from '../../place/router.ts'
import { Badge } from '../../kit/badge.tsx'
import { Section } from '../../kit/facts.tsx'
import { Check } from '../../kit/field.tsx'
import { Empty, Shown } from '../../kit/states.tsx'
import { type Column, Table } from '../../kit/table.tsx'
import { SEAL_PLACES } from './text.ts'

type Setting = Schema<'Setting'>

const COLUMNS: readonly Column<Setting>[] = [
  { id: 'name', label: 'Name', cell: ({ name }) => <code>{name}</code> },
  { id: 'value', label: 'Value', isLong: true, cell: (setting) => <Value of={setting} /> },
  { id: 'meaning', label: 'Meaning', isLong: true, cell: ({ meaning }) => prose(meaning) },
]

/** Words between backquotes are code. */
function prose(text: string): ComponentChildren[] {
  return text.split('`').map((part, n) => (n % 2 === 0 ? part : <code key={part}>{part}</code>))
}

/** The server’s settings as it has read them, and its seal keys. */
export function Server() {
  return (
    <>
      <p>
        The API has a page of its own: <a href="/api/docs">operations, examples and events</a>.
      </p>
      {may('admin') && <SealKeys />}
      {may('read') ? (
        <Values />
      ) : (
        <Empty title="Your key cannot see the settings">
          <p>It lacks the scope read. Ask the person who gave it to you.</p>
        </Empty>
      )}
    </>
  )
}

function SealKeys() {
  const read = useRead('/api/seal-keys', {})
  return (
    <Section title="Seal keys">
      <p class="dim">They seal what the server keeps secret. The newest is first; none is shown.</p>
      <Shown read={read} lines={1}>
        {({ items }) => (
          <ul>
            {items.map(({ id, place: where }) => (
              <li key={id}>
                <code>{id}</code>{' '}
                <Badge tone={where === 'secret' ? 'good' : 'warn'}>{SEAL_PLACES[where]}</Badge>
              </li>
            ))}
          </ul>
        )}
      </Shown>
    </Section>
  )
}

function Values() {
  const read = useRead('/api/settings', {})
  const isAll = place.value.query.get('set') !== '1'
  return (
    <Section
      title="Settings as the server reads them"
      actions={
        <Check
          label="Only what is set"
          isOn={!isAll}
          onChange={(isOn) => {
            go(withQuery({ set: isOn ? '1' : undefined }), { replace: true })
          }}
        />
      }
    >
      <p class="dim">They are vars and secrets of the Worker, changed by a deployment.</p>
      <Shown read={read}>
        {({ items }) => (
          <Table
            label="Settings"
            columns={COLUMNS}
            rows={items.filter(({ source }) => isAll || source !== 'default')}
            idOf={({ name }) => name}
          />
        )}
      </Shown>
    </Section>
  )
}

function Value({
  of: { source, value, set_as: as, name, default: usual },
}: {
  readonly of: Setting
}) {
  if (source === 'default') {
    return <span class="dim">{usual}</span>
  }
  if (value === null) {
    return <Badge tone="good">{source === 'control' ? 'Set, in Control' : 'Set'}</Badge>
  }
  return (
    <>
      <strong>{value}</strong> {as !== name && <span class="dim">as {as}</span>}
    </>
  )
}
