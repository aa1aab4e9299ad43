import type { ComponentChildren } from 'preact'
import { may } from '../../../api/session.ts'
import type { Schema } from '../../../api/types.ts'
import { Badge, Meter, type Tone } from '../../../kit/badge.tsx'
import { Button, needs } from '../../../kit/button.tsx'
import { Facts } from '../../../kit/facts.tsx'
import { Ends, Time } from '../../../kit/time.tsx'
import { serverNow } from '../../../time/clock.ts'
import { counted } from '../../../time/words.ts'
import { refreshInventory } from '../deeds.ts'
import { valueAt } from '../verdict.ts'
import { ChannelQueue, Latest } from './queue.tsx'

type Device = Schema<'DeviceDetail'>
type Fact = readonly [name: string, value: ComponentChildren]

const SHOWN = 5
const WEEK = 7 * 86_400_000

/** Whether it is alive, what it is like, and what happens with it now. */
export function Summary({ device }: { readonly device: Device }) {
  const facts = [...vitalFacts(device), ...securityFacts(device)]
  return (
    <>
      <Facts of={facts} />
      <Age device={device} />
      <ChannelQueue
        device={device}
        channel={device.channels[0]}
        id={device.id}
        title="Queue"
        limit={SHOWN}
      />
      <Latest id={device.id} limit={SHOWN} />
    </>
  )
}

function vitalFacts(device: Device): Fact[] {
  const [channel] = device.channels
  const identity = device.identities.find(({ state }) => state === 'current')
  const build = device.build_version === null ? '' : ` (${device.build_version})`
  return [
    ['Last seen', <Time at={device.last_seen_at} />],
    ['Push', <Push channel={channel} />],
    [
      'Waiting',
      channel && channel.queue.waiting > 0 ? (
        <>
          {counted(channel.queue.waiting, 'command')}, the oldest queued{' '}
          <Time at={channel.queue.oldest_queued_at} />
        </>
      ) : (
        'nothing'
      ),
    ],
    ['Certificate', identity?.expires_at ? <Ends at={identity.expires_at} /> : 'not known'],
    [
      'OS',
      device.os_version === null
        ? 'not known'
        : `${device.platform ?? ''} ${device.os_version}${build}`,
    ],
  ]
}

function Push({ channel }: { readonly channel: Device['channels'][number] | undefined }) {
  if (!channel || channel.push_state === 'none') {
    return <Badge tone="quiet">No token</Badge>
  }
  const { pushed, push_state: state, push_reason: reason } = channel
  const isGood = pushed === null || pushed.outcome === 'delivered'
  const tone: Tone = state === 'failing' ? 'bad' : isGood ? 'good' : 'warn'
  return (
    <>
      <Badge tone={tone}>
        {state === 'failing' ? `Refused: ${reason ?? 'no reason'}` : 'Ready'}
      </Badge>
      {pushed && (
        <span class="dim">
          {', '}
          {isGood ? 'delivered ' : `${pushed.detail} `}
          <Time at={pushed.at} />
        </span>
      )}
    </>
  )
}

/** What a report says by yes and no: its words, and whether yes is good. */
const CHECKS: readonly {
  readonly name: string
  readonly of: 'SecurityInfo' | 'DeviceInformation'
  readonly keys: readonly string[]
  /** The tone of no: what not every fleet wants is no warning. */
  readonly off?: Tone
}[] = [
  { name: 'FileVault', of: 'SecurityInfo', keys: ['FDE_Enabled'] },
  { name: 'System integrity', of: 'SecurityInfo', keys: ['SystemIntegrityProtectionEnabled'] },
  { name: 'Firewall', of: 'SecurityInfo', keys: ['FirewallSettings', 'FirewallEnabled'] },
  { name: 'Passcode', of: 'SecurityInfo', keys: ['PasscodePresent'] },
  { name: 'Recovery Lock', of: 'SecurityInfo', keys: ['IsRecoveryLockEnabled'], off: 'quiet' },
]

/** Only what the device has reported. */
function securityFacts({ inventory }: Device): Fact[] {
  const info = inventory.DeviceInformation?.value
  const [all, free] = ['DeviceCapacity', 'AvailableDeviceCapacity'].map((key) => valueAt(info, key))
  const battery = valueAt(info, 'BatteryLevel')
  return [
    ...CHECKS.flatMap(({ name, of, keys, off = 'warn' }): Fact[] => {
      const value = valueAt(inventory[of]?.value, ...keys)
      return typeof value === 'boolean'
        ? [[name, <Badge tone={value ? 'good' : off}>{value ? 'On' : 'Off'}</Badge>]]
        : []
    }),
    ...(typeof all === 'number' && typeof free === 'number' && all > 0
      ? [['Storage', <Storage all={all} free={free} />] as const]
      : []),
    ...(typeof battery === 'number' && battery >= 0 && battery <= 1
      ? [['Battery', `${Math.round(battery * 100)} %`] as const]
      : []),
  ]
}

function Storage({ all, free }: { readonly all: number; readonly free: number }) {
  const words = `${Math.round(free)} of ${Math.round(all)} GB free`
  return (
    <>
      <Meter value={all - free} of={all} label={words} /> {words}
    </>
  )
}

/** How old the inventory is. An old one offers a new one. */
export function Age({ device }: { readonly device: Device }) {
  const { id, state, inventory } = device
  const reports = Object.values(inventory).filter((one) => one !== null)
  const oldest = reports.map(({ at }) => at).toSorted()[0]
  const isOld = oldest === undefined || serverNow() - Date.parse(oldest) > WEEK
  return (
    <p class={isOld ? 'age warn' : 'age dim'}>
      {oldest === undefined ? (
        'The device has not reported its inventory. '
      ) : (
        <>
          <span>
            Inventory as of <Time at={oldest} />.
          </span>{' '}
        </>
      )}
      {state === 'enrolled' && (
        <Button
          tone="quiet"
          why={needs('command', may('command'))}
          onClick={() => refreshInventory(id)}
        >
          Ask again
        </Button>
      )}
    </p>
  )
}
