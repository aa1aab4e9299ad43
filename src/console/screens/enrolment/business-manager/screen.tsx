import { useRead } from '../../../api/read.ts'
import type { Schema } from '../../../api/types.ts'
import { Section } from '../../../kit/facts.tsx'
import { Shown } from '../../../kit/states.tsx'
import { place, withQuery } from '../../../place/router.ts'
import { Connect } from './connect.tsx'
import { AccountActions, Standing } from './standing.tsx'
import { LEAD } from './text.ts'

const LOOKS_AGAIN_AFTER = 15_000

/** The accounts of Apple Business Manager; without one, the way to the first. */
export default function BusinessManager() {
  const read = useRead('/api/dep/accounts', {}, { each: LOOKS_AGAIN_AFTER })
  const isAdding = place.value.query.get('add') !== null
  const { value } = read.state.value
  return (
    <>
      <header class="bar">
        <h1>Apple Business Manager</h1>
        {value && value.items.length > 0 && !isAdding && (
          <a class="button" href={withQuery({ add: 'account' })}>
            Add account…
          </a>
        )}
      </header>
      <p class="dim">{LEAD}</p>
      <Shown read={read}>
        {({ items }) => (
          <>
            {(items.length === 0 || isAdding) && (
              <Section title={items.length === 0 ? 'Connect' : 'Another account'}>
                <Connect />
              </Section>
            )}
            <ul class="accounts">
              {items.map((one) => (
                <Card key={one.id} of={one} />
              ))}
            </ul>
          </>
        )}
      </Shown>
    </>
  )
}

function Card({ of: { id, server_name: name } }: { readonly of: Schema<'DepAccount'> }) {
  const read = useRead('/api/dep/accounts/{id}', { path: { id } }, { each: LOOKS_AGAIN_AFTER })
  return (
    <li class="card">
      <h2>
        <a href={`/console/business-manager/${encodeURIComponent(id)}`}>{name ?? id}</a>
      </h2>
      <Shown read={read}>
        {(account) => (
          <>
            <Standing of={account} />
            <AccountActions of={account} />
          </>
        )}
      </Shown>
    </li>
  )
}
