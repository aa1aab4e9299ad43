import { deviceName } from '../../api/names.ts'
import { useRead } from '../../api/read.ts'
import type { Schema } from '../../api/types.ts'
import { Badge } from '../../kit/badge.tsx'
import { Facts } from '../../kit/facts.tsx'
import { Shown } from '../../kit/states.tsx'
import { Time } from '../../kit/time.tsx'
import { PUSH_WORDS, STATE_WORDS } from '../devices/text.ts'

/** A device that has just come, by its id. */
export function ArrivedDevice({ id }: { readonly id: string }) {
  const read = useRead('/api/devices/{id}', { path: { id } })
  return (
    <Shown read={read} lines={3}>
      {(device) => <DeviceCard device={device} />}
    </Shown>
  )
}

/** One device as a card. */
export function DeviceCard({
  device,
}: {
  readonly device: Omit<Schema<'Device'>, 'serial_number_contested'>
}) {
  const { id, state, push_state: push } = device
  return (
    <div class="device-card">
      <div class="bar">
        <div>
          <h3>
            <a href={`/console/devices/${encodeURIComponent(id)}`}>{deviceName(device)}</a>
          </h3>
          <p class="dim">{[device.model_name, device.serial_number].filter(Boolean).join(' · ')}</p>
        </div>
        <a class="button main" href={`/console/devices/${encodeURIComponent(id)}`}>
          Open
        </a>
      </div>
      <Facts
        of={[
          [
            'State',
            <Badge tone={state === 'enrolled' ? 'good' : 'quiet'}>{STATE_WORDS[state]}</Badge>,
          ],
          ['OS', [device.platform, device.os_version].filter(Boolean).join(' ')],
          [
            'Push',
            <Badge tone={push === 'ready' ? 'good' : push === 'failing' ? 'bad' : 'quiet'}>
              {PUSH_WORDS[push]}
            </Badge>,
          ],
          ['Last seen', <Time at={device.last_seen_at} />],
        ]}
      />
    </div>
  )
}
