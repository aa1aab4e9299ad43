import { deviceName } from '../../api/names.ts'
import { useRead } from '../../api/read.ts'
import { may, type Scope } from '../../api/session.ts'
import type { Schema } from '../../api/types.ts'
import { useKeys } from '../../place/keyboard.ts'
import { go, place, wordIn } from '../../place/router.ts'
import { needs } from '../../kit/button.tsx'
import { Empty, Shown } from '../../kit/states.tsx'
import { Tabs } from '../../kit/tabs.tsx'
import { toast } from '../../kit/toast.tsx'
import { DeviceActions } from './actions.tsx'
import { devicePage } from './deeds.ts'
import { Header } from './header.tsx'
import { DeviceCertificates } from './tabs/certificates.tsx'
import { DeviceDeclarations } from './tabs/declarations/declarations.tsx'
import { declaredLabel, isDeclarative } from './tabs/declarations/declarative.ts'
import { Inventory } from './tabs/inventory.tsx'
import { Profiles } from './tabs/profiles.tsx'
import { Queue } from './tabs/queue.tsx'
import { Secrets } from './tabs/secrets.tsx'
import { Setup } from './tabs/setup.tsx'
import { Summary } from './tabs/summary.tsx'

const EACH = 15_000
const TABS = [
  '',
  'queue',
  'inventory',
  'profiles',
  'declarations',
  'certificates',
  'secrets',
  'setup',
] as const

/** One device: whether it is alive, what waits for it, what it has, and what one can do with it. */
export default function Device({ names }: { readonly names: Readonly<Record<string, string>> }) {
  const id = names['id'] ?? ''
  const read = useRead('/api/devices/{id}', { path: { id } }, { each: EACH })
  // These work before the device is read.
  useKeys({
    c: { label: 'Send a command', run: () => openForm(id, '', 'command') },
    l: { label: 'Lock the device', run: () => openForm(id, '/DeviceLock', 'destructive') },
  })
  const { value, fault } = read.state.value
  if (!value && (fault?.code === 'device_not_found' || fault?.code === 'invalid_id')) {
    return <UnknownDevice id={id} why={fault.detail} mayEnrol={fault.code === 'device_not_found'} />
  }
  return (
    <>
      {!value && <h1 class="unseen">Device</h1>}
      <Shown read={read} lines={8}>
        {(device) => <Page device={device} />}
      </Shown>
    </>
  )
}

function Page({ device }: { readonly device: Schema<'DeviceDetail'> }) {
  const { id } = device
  const name = deviceName(device)
  const setups = useRead('/api/devices/{id}/setup', { path: { id } })
  const runs = setups.state.value.value?.items ?? []
  const declared = useRead('/api/devices/{id}/declarations', { path: { id } }).state.value.value
  const tab = wordIn(place.value.query.get('tab'), TABS, '')
  const waiting = device.channels.reduce((sum, { queue }) => sum + queue.waiting, 0)
  const to = (word: string): string => devicePage(id) + (word === '' ? '' : `?tab=${word}`)
  const tabs = [
    { id: '', label: 'Summary' },
    { id: 'queue', label: 'Queue', count: waiting },
    { id: 'inventory', label: 'Inventory' },
    { id: 'profiles', label: 'Profiles' },
    ...(isDeclarative(declared) ? [{ id: 'declarations', label: declaredLabel(declared) }] : []),
    { id: 'certificates', label: 'Certificates' },
    { id: 'secrets', label: 'Secrets' },
    ...(runs.length > 0 ? [{ id: 'setup', label: 'Setup' }] : []),
  ].map((one) => ({ ...one, to: to(one.id) }))
  return (
    <article class={device.state === 'checked_out' ? 'device gone' : 'device'}>
      <Header device={device} name={name} />
      <DeviceActions device={device} name={name} />
      <Tabs label="Parts of the device" tabs={tabs} current={tab} />
      {tab === '' && <Summary device={device} />}
      {tab === 'queue' && <Queue device={device} />}
      {tab === 'inventory' && <Inventory device={device} />}
      {tab === 'profiles' && <Profiles device={device} />}
      {tab === 'declarations' && <DeviceDeclarations device={device} />}
      {tab === 'certificates' && <DeviceCertificates device={device} />}
      {tab === 'secrets' && <Secrets device={device} />}
      {tab === 'setup' && <Setup device={device} read={setups} />}
    </article>
  )
}

/** A key has no button that says what is missing. */
function openForm(id: string, type: string, scope: Scope): void {
  const lacks = needs(scope, may(scope))
  if (lacks === undefined) {
    go(`${devicePage(id)}/command${type}`)
  } else {
    toast({ text: lacks })
  }
}

function UnknownDevice({
  id,
  why,
  mayEnrol,
}: {
  readonly id: string
  readonly why: string
  readonly mayEnrol: boolean
}) {
  return (
    <Empty title="Nothing is known of this device">
      <h1 class="unseen">Unknown device</h1>
      <p class="mono">{id.slice(0, 200)}</p>
      {mayEnrol ? (
        <>
          <p>Commands for it would wait until it enrols.</p>
          <p class="actions centred">
            <a class="button" href={`${devicePage(id)}/command`}>
              Queue a command anyway…
            </a>
            <a class="button" href="/console/devices">
              All devices
            </a>
          </p>
        </>
      ) : (
        <p>{why}</p>
      )}
    </Empty>
  )
}
