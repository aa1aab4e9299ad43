import { useSignal } from '@preact/signals'
import { send } from '../../api/call.ts'
import { AskFirst } from '../../kit/dialog.tsx'
import { deviceName } from '../../api/names.ts'
import { changed, useRead } from '../../api/read.ts'
import { may } from '../../api/session.ts'
import type { Schema } from '../../api/types.ts'
import { Button, needs } from '../../kit/button.tsx'
import { Section } from '../../kit/facts.tsx'
import { heard, toast } from '../../kit/toast.tsx'

type Decision = Schema<'DecideEnrollmentsRequest'>['decision']

const MOST = 50

/** What each decision means, in the order of the buttons. */
const DECISIONS: readonly (readonly [Decision, string, string])[] = [
  [
    'new',
    'Set up anew',
    'The device was set up anew. Earlier commands are superseded, or held for review if they lose something.',
  ],
  [
    'renewal',
    'Same device',
    'It is the same installation with a new certificate. Its queue, its secrets and its users stay.',
  ],
  [
    'earlier',
    'Keep the earlier',
    'Another device took the id. The new certificate is frozen, and the earlier enrolment goes on.',
  ],
]

/** Enrolments of which two claim to be one device: they get no commands before a person decides. */
export function Contested() {
  const { value } = useRead('/api/devices', { query: { contested: true, limit: MOST } }).state.value
  const asked = useSignal<{ id: string; name: string; by: (typeof DECISIONS)[number] } | undefined>(
    undefined,
  )
  const why = needs('config', may('config'))
  if (!value || value.items.length === 0) {
    return null
  }
  return (
    <Section title="They wait for your decision">
      <p class="dim">
        A certificate without proof enrolled with the id of an enrolled device. Look at the device,
        and say which one it is.
      </p>
      <ul class="rows">
        {value.items.map((device) => (
          <li key={device.id}>
            <span class="said">
              <a href={`/console/devices/${encodeURIComponent(device.id)}`}>
                <bdi>{deviceName(device)}</bdi>
              </a>{' '}
              <span class="dim">{device.serial_number}</span>
            </span>
            <span class="actions">
              {DECISIONS.map((by) => (
                <Button
                  key={by[0]}
                  label={`${by[1]}: ${deviceName(device)}`}
                  why={why}
                  onClick={() => {
                    asked.value = { id: device.id, name: deviceName(device), by }
                  }}
                >
                  {by[1]}…
                </Button>
              ))}
            </span>
          </li>
        ))}
      </ul>
      {asked.value && (
        <AskFirst
          title={`${asked.value.by[1]}: ${asked.value.name}`}
          deed={asked.value.by[1]}
          isLoss={asked.value.by[0] !== 'renewal'}
          why={why}
          onYes={() => decide(asked.value?.id ?? '', asked.value?.by[0] ?? 'renewal')}
          onClose={() => {
            asked.value = undefined
          }}
        >
          <p>{asked.value.by[2]}</p>
          <p class="dim">Commands that lose something stay held until you release them.</p>
        </AskFirst>
      )}
    </Section>
  )
}

async function decide(id: string, decision: Decision) {
  const answer = await send('post', '/api/enrollments/decide', { body: { ids: [id], decision } })
  if (heard(answer)) {
    const failed = answer.value.outcomes.find(({ state }) => state !== 'decided')
    toast(failed ? { text: failed.error ?? 'Not decided', tone: 'bad' } : { text: 'Decided' })
  }
  changed('/api/devices')
  changed('/api/overview')
  return answer
}
