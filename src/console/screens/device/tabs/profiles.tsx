import { useRead } from '../../../api/read.ts'
import { may } from '../../../api/session.ts'
import type { Schema } from '../../../api/types.ts'
import { Badge } from '../../../kit/badge.tsx'
import { Button, needs } from '../../../kit/button.tsx'
import { Section } from '../../../kit/facts.tsx'
import { Empty } from '../../../kit/states.tsx'
import { ActionLink } from '../action-link.tsx'
import { devicePage, refreshInventory } from '../deeds.ts'
import { valueAt } from '../verdict.ts'
import { AskAgain, AsOf, textAt } from './inventory.tsx'

type Device = Schema<'DeviceDetail'>

/** The profiles that the device has, with what is in each. */
export function Profiles({ device }: { readonly device: Device }) {
  const { id, state } = device
  const list = device.inventory.ProfileList
  const isOld = useChangedSince(id, list?.at)
  const why = needs('command', may('command'))
  const add = (
    <a class="button" href={`${devicePage(id)}/command/InstallProfile`}>
      Install a profile…
    </a>
  )
  if (!list) {
    return (
      <Empty title="The device has not reported its profiles">
        <p class="actions centred">
          {state === 'enrolled' && (
            <Button tone="main" why={why} onClick={() => refreshInventory(id)}>
              Ask for them
            </Button>
          )}
          {add}
        </p>
      </Empty>
    )
  }
  const profiles: readonly unknown[] = Array.isArray(list.value) ? list.value : []
  return (
    <Section
      title={`Profiles (${profiles.length})`}
      actions={
        <span class="actions">
          <AsOf at={list.at} />
          {isOld && <Badge tone="warn">Changed since</Badge>}
          <AskAgain device={device} isMain={isOld} />
          {add}
        </span>
      }
    >
      {profiles.length === 0 && <p class="dim">The device has no profile.</p>}
      {profiles.map((profile, n) => (
        <Profile key={n} of={profile} device={id} />
      ))}
    </Section>
  )
}

/** Whether the device has installed or removed a profile after its report. */
function useChangedSince(id: string, at: string | undefined): boolean {
  const { value } = useRead('/api/devices/{id}/commands', {
    path: { id },
    query: {
      request_type: ['InstallProfile', 'RemoveProfile'],
      state: ['acknowledged'],
      limit: 10,
    },
  }).state.value
  return (
    at !== undefined &&
    value?.items.some(({ answered_at: answered }) => answered !== null && answered > at) === true
  )
}

function Profile({ of, device }: { readonly of: unknown; readonly device: string }) {
  const identifier = textAt(of, 'PayloadIdentifier')
  const content = valueAt(of, 'PayloadContent')
  const payloads: readonly unknown[] = Array.isArray(content) ? content : []
  // Not every OS says whether a profile is managed: only a clear no means that it cannot be removed.
  const isManaged = valueAt(of, 'IsManaged')
  const name = textAt(of, 'PayloadDisplayName') || identifier || 'Without a name'
  return (
    <div class="removable">
      <details class="nested">
        <summary>
          <bdi>{name}</bdi> {isManaged === true && <Badge tone="good">Managed</Badge>}{' '}
          <bdi class="dim">{identifier}</bdi>
        </summary>
        {textAt(of, 'PayloadDescription') !== '' && <p>{textAt(of, 'PayloadDescription')}</p>}
        <ul>
          {payloads.map((payload, n) => (
            <li key={n}>
              <bdi>{textAt(payload, 'PayloadDisplayName') || textAt(payload, 'PayloadType')}</bdi>{' '}
              <span class="dim mono">{textAt(payload, 'PayloadType')}</span>
            </li>
          ))}
        </ul>
      </details>
      {isManaged !== false && identifier !== '' && (
        <ActionLink
          to={`${devicePage(device)}/command/RemoveProfile?Identifier=${encodeURIComponent(identifier)}`}
          scope="command"
        >
          Remove…<bdi class="unseen"> {name}</bdi>
        </ActionLink>
      )}
    </div>
  )
}
