import { useRead } from '../../api/read.ts'
import type { Schema } from '../../api/types.ts'
import { useTitle } from '../../place/title.ts'
import { Badge } from '../../kit/badge.tsx'
import { Copy } from '../../kit/copy.tsx'
import { Time } from '../../kit/time.tsx'
import { serverNow } from '../../time/clock.ts'
import { BADGE_TYPES, deedBadges, managementBadges, verdictOf, type StateBadge } from './verdict.ts'

type Device = Schema<'DeviceDetail'>

/** Who it is, what was done to it, and whether it is alive. */
export function Header({ device, name }: { readonly device: Device; readonly name: string }) {
  const { serial_number: serial } = device
  useTitle(name)
  const badges = [...useDeedBadges(device), ...managementBadges(device)]
  const verdict = verdictOf(device, serverNow())
  const model = device.model_name ?? device.product_name ?? device.model
  const os = device.os_version && `${device.platform ?? 'OS'} ${device.os_version}`
  return (
    <header class="device-head">
      <a class="back" href="/console/devices">
        ‹ Devices
      </a>
      <h1 title={name}>
        <bdi>{name}</bdi>
      </h1>
      <p class="about dim">
        {serial !== null && (
          <span class="serial">
            <bdi class="mono">{serial}</bdi>
            <Copy text={serial} label="Copy" />
          </span>
        )}
        {model && <bdi>{model}</bdi>}
        {os && <bdi>{os}</bdi>}
      </p>
      {badges.length > 0 && (
        <p class="badges">
          {badges.map((badge) => (
            <State key={badge.word} badge={badge} />
          ))}
        </p>
      )}
      <p class={`verdict ${verdict.tone}`} role="status">
        <strong>
          <Badge tone={verdict.tone}>{verdict.word}</Badge>
        </strong>
        <span>: {verdict.because}.</span>
      </p>
    </header>
  )
}

/** What was done to the device, as the newest commands say. */
export function useDeedBadges(device: Device): StateBadge[] {
  const newest = useRead(
    '/api/devices/{id}/commands',
    { path: { id: device.id }, query: { request_type: BADGE_TYPES, limit: 20 } },
    { each: 15_000 },
  )
  return deedBadges(device, newest.state.value.value?.items ?? [])
}

function State({ badge: { tone, word, since } }: { readonly badge: StateBadge }) {
  return (
    <span class="chip">
      <Badge tone={tone}>{word}</Badge>
      {since !== undefined && (
        <span class="dim">
          {' '}
          <Time at={since} />
        </span>
      )}
    </span>
  )
}
