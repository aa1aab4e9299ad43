import type { ComponentChildren } from 'preact'
import { useRead } from '../../api/read.ts'
import type { Schema } from '../../api/types.ts'
import { Section } from '../../kit/facts.tsx'
import { Shown } from '../../kit/states.tsx'
import { Time } from '../../kit/time.tsx'
import { DeviceCard } from '../enrolment/device-card.tsx'
import { devicesOf, osRows } from './text.ts'

type FleetOf = NonNullable<Schema<'Overview'>['devices']>

/** Lines of the table of versions. */
const VERSIONS = 8

/** The fleet in numbers. Each leads to the devices that it counts. */
export function FleetPart({ of: fleet }: { readonly of: FleetOf }) {
  return fleet.total === 1 ? <OneDevice /> : <Numbers fleet={fleet} />
}

function Numbers({ fleet }: { readonly fleet: FleetOf }) {
  const { by_state: states, by_push: push, silent } = fleet
  const rows = osRows(fleet, VERSIONS)
  return (
    <Section
      title="Fleet"
      actions={
        <span class="dim">
          Counted <Time at={fleet.counted_at} />
        </span>
      }
    >
      <ul class="numbers">
        <Figure count={states.enrolled} label="enrolled" to={devicesOf({ state: 'enrolled' })}>
          {fleet.by_platform.map(({ platform, enrolled }) => (
            <a key={platform} href={devicesOf({ state: 'enrolled', platform })}>
              {enrolled.toLocaleString('en-GB')} {platform ?? 'other'}
            </a>
          ))}
        </Figure>
        <Figure count={push.ready} label="can be pushed" to={devicesOf({ push: 'ready' })}>
          {push.none > 0 && <a href={devicesOf({ push: 'none' })}>{push.none} without a token</a>}
        </Figure>
        <Figure
          count={silent['7d']}
          label="silent for a week"
          to={devicesOf({ state: 'enrolled', seen: '7d' })}
        >
          {silent['30d'] > 0 && (
            <a href={devicesOf({ state: 'enrolled', seen: '30d' })}>
              {silent['30d'].toLocaleString('en-GB')} for 30 days
            </a>
          )}
        </Figure>
        <Figure
          count={states.authenticated}
          label="enrolling"
          to={devicesOf({ state: 'authenticated' })}
        />
        <Figure
          count={states.checked_out}
          label="checked out"
          to={devicesOf({ state: 'checked_out' })}
        />
      </ul>
      <h3>Enrolled devices by OS</h3>
      <ul class="shares">
        {rows.map(({ label, enrolled, to }) => (
          <li key={label}>
            <a href={to}>{label}</a>
            <span class="share-bar" aria-hidden="true">
              <span style={{ inlineSize: `${(enrolled / Math.max(states.enrolled, 1)) * 100}%` }} />
            </span>
            <span class="number">{enrolled.toLocaleString('en-GB')}</span>
          </li>
        ))}
      </ul>
    </Section>
  )
}

function Figure({
  count,
  label,
  to,
  children,
}: {
  readonly count: number
  readonly label: string
  readonly to: string
  readonly children?: ComponentChildren
}) {
  return (
    <li>
      <a href={to} class={count === 0 ? 'figure none' : 'figure'}>
        <strong>{count.toLocaleString('en-GB')}</strong> <span>{label}</span>
      </a>
      <span class="parts dim">{children}</span>
    </li>
  )
}

function OneDevice() {
  const read = useRead('/api/devices', { query: { limit: 1 } })
  return (
    <Section title="Your device" actions={<a href="/console/enrolment">Enrol another</a>}>
      <Shown read={read} lines={3}>
        {({ items }) =>
          items.map((device) => (
            <div class="card" key={device.id}>
              <DeviceCard device={device} />
            </div>
          ))
        }
      </Shown>
    </Section>
  )
}
