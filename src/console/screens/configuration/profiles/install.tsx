import { useSignal } from '@preact/signals'
import { Fragment } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import type { Fault } from '../../../api/fault.ts'
import { deviceName } from '../../../api/names.ts'
import { useRead } from '../../../api/read.ts'
import { may } from '../../../api/session.ts'
import { Button, needs } from '../../../kit/button.tsx'
import { Dialog } from '../../../kit/dialog.tsx'
import { Field } from '../../../kit/field.tsx'
import { FaultNote, Shown } from '../../../kit/states.tsx'
import { toast } from '../../../kit/toast.tsx'
import { go } from '../../../place/router.ts'
import { after } from '../../../time/clock.ts'
import { mayForce } from '../../composer/sending.ts'
import { installProfile } from './deeds.ts'
import type { OpenedProfile } from './file.tsx'
import { PROFILE_SENTENCES } from './text.ts'

/** Installs the profile on a device, and says why if that cannot be. */
export function InstallButton({
  opened: { bytes, facts },
  device,
  label,
  tone = 'main',
  onDone,
}: {
  readonly opened: OpenedProfile
  readonly device: { readonly id: string; readonly name: string }
  readonly label: string
  readonly tone?: 'main' | 'plain'
  readonly onDone: () => void
}) {
  const fault = useSignal<Fault | undefined>(undefined)
  const key = useMemo(() => crypto.randomUUID(), [bytes])
  const install = async (force: boolean): Promise<void> => {
    fault.value = await installProfile({ device: device.id, bytes, key, force })
    if (!fault.value) {
      const name = facts.name || facts.identifier
      toast({ text: PROFILE_SENTENCES.installed(name, device.name) })
      onDone()
    }
  }
  return (
    <>
      <Button tone={tone} why={needs('command', may('command'))} onClick={() => install(false)}>
        {label}
      </Button>
      {fault.value && <FaultNote fault={fault.value} />}
      {fault.value && mayForce(fault.value) && (
        <Button onClick={() => install(true)}>Install all the same</Button>
      )}
    </>
  )
}

/** While someone types, the list is not asked at each letter. */
const PAUSE = 150
const SHOWN = 6

/** Finds the device, then installs. */
export function InstallOn({
  opened,
  stored,
  onClose,
}: {
  readonly opened: OpenedProfile
  /** Its id in the library, for a command to many devices. */
  readonly stored?: string
  readonly onClose: () => void
}) {
  const text = useSignal('')
  const q = useSignal('')
  useEffect(
    () =>
      after(PAUSE, () => {
        q.value = text.value.trim()
      }),
    [text.value],
  )
  const { name, identifier } = opened.facts
  return (
    <Dialog title={`Install ${name || identifier}`} onClose={onClose}>
      <Field
        label="Find a device"
        type="search"
        hint="Serial number, name, user or id"
        value={text.value}
        more={{ autocomplete: 'off', spellcheck: false, autofocus: true }}
        onInput={(typed) => {
          text.value = typed
        }}
      />
      <Found opened={opened} q={q.value} />
      {stored !== undefined && (
        <p>
          On all devices with{' '}
          {PLATFORMS.map((platform) => (
            <Fragment key={platform}>
              <a href={toMany({ platform, state: 'enrolled' }, stored)}>{platform}</a>,{' '}
            </Fragment>
          ))}
          or <a href={toMany({}, stored)}>on every device</a>. {PROFILE_SENTENCES.some}
        </p>
      )}
      <div class="actions">
        <Button onClick={onClose}>Cancel</Button>
      </div>
    </Dialog>
  )
}

const PLATFORMS = ['macOS', 'iOS', 'iPadOS', 'tvOS', 'visionOS']

/** The form of a command to many devices, with the profile filled in. */
function toMany(filter: Readonly<Record<string, string>>, profile: string): string {
  const query = new URLSearchParams({ ...filter, type: 'InstallProfile', profile })
  return `/console/commands/new?${query.toString()}`
}

function Found({ opened, q }: { readonly opened: OpenedProfile; readonly q: string }) {
  const read = useRead('/api/devices', {
    query: { state: ['enrolled'], limit: SHOWN, ...(q !== '' && { q }) },
  })
  return (
    <Shown read={read} lines={3}>
      {({ items, total }) => (
        <>
          <ul class="found-devices">
            {items.map((device) => (
              <li key={device.id}>
                <bdi>{deviceName(device)}</bdi>{' '}
                <span class="dim">{device.serial_number ?? device.id}</span>
                <InstallButton
                  opened={opened}
                  device={{ id: device.id, name: deviceName(device) }}
                  label="Install"
                  tone="plain"
                  onDone={() => {
                    go(`/console/devices/${encodeURIComponent(device.id)}?tab=profiles`)
                  }}
                />
              </li>
            ))}
          </ul>
          {items.length === 0 && <p class="dim">No enrolled device matches.</p>}
          {total !== null && total > items.length && (
            <p class="dim">{PROFILE_SENTENCES.more(total - items.length)}</p>
          )}
        </>
      )}
    </Shown>
  )
}
