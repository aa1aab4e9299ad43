import { useSignal } from '@preact/signals'
import { may } from '../../api/session.ts'
import type { Schema } from '../../api/types.ts'
import { useKeys } from '../../place/keyboard.ts'
import { usePalette } from '../../place/palette-entries.ts'
import { Button, needs } from '../../kit/button.tsx'
import { PullDown } from '../../kit/pull-down.tsx'
import { toast } from '../../kit/toast.tsx'
import { NO_FACTS } from '../../composer/facts.ts'
import { NEXT } from '../../composer/presets.ts'
import { deedOf } from '../composer/text.ts'
import { useDeedBadges } from './header.tsx'
import { LOST_MODE } from './verdict.ts'
import { devicePage, pushNow, refreshInventory, renewNow } from './deeds.ts'
import { ActionLink } from './action-link.tsx'
import { Ask, DeviceStanding, type Asked } from './standing.tsx'

type Device = Schema<'DeviceDetail'>

/** What one can do with the device: a row of buttons, on a phone a bar at the bottom. */
export function DeviceActions({
  device,
  name,
}: {
  readonly device: Device
  readonly name: string
}) {
  const { id, state } = device
  const asked = useSignal<Asked | undefined>(undefined)
  const to = addressesOf(id)
  const onlyHere = state === 'enrolled' ? undefined : 'Only an enrolled device can be reached'
  const whyNot = needs('command', may('command')) ?? onlyHere
  const push = () => (whyNot === undefined ? pushNow(id) : sayWhyNot(whyNot))
  const refresh = () => (whyNot === undefined ? refreshInventory(id) : sayWhyNot(whyNot))
  useShortcuts(name, to, { push, refresh })
  return (
    <div class="device-actions" role="group" aria-label="DeviceActions">
      <Button tone="main" keys="P" why={whyNot} onClick={push}>
        Push
      </Button>
      <ActionLink to={to.command} keys="C" scope="command" isWide>
        Command…
      </ActionLink>
      <ActionLink to={to.lock} keys="L" scope="destructive">
        Lock…
      </ActionLink>
      <ActionLink to={to.reveal} scope="secrets">
        Reveal…
      </ActionLink>
      <ActionLink to={to.erase} scope="destructive" isDanger isWide>
        Erase…
      </ActionLink>
      <PullDown label="More" isOfChoices>
        <ActionLink to={to.command} scope="command" isNarrow>
          Command…
        </ActionLink>
        <Button tone="quiet" keys="R" why={whyNot} onClick={refresh}>
          Refresh inventory
        </Button>
        <Button tone="quiet" why={whyNot} onClick={() => renewNow(id)}>
          Renew certificate
        </Button>
        <LostMode device={device} to={to} />
        <ActionLink to={to.restart} scope="command">
          Restart…
        </ActionLink>
        <DeviceStanding
          device={device}
          ask={(what) => {
            asked.value = what
          }}
        >
          <ActionLink to={to.erase} scope="destructive" isDanger isNarrow>
            Erase…
          </ActionLink>
        </DeviceStanding>
      </PullDown>
      {asked.value && (
        <Ask
          device={device}
          name={name}
          what={asked.value}
          onClose={() => {
            asked.value = undefined
          }}
        />
      )}
    </div>
  )
}

/** Turns it on; where it is on, what one does next. */
function LostMode({ device, to }: { readonly device: Device; readonly to: Addresses }) {
  const isOn = useDeedBadges(device).some(({ word }) => word === LOST_MODE)
  if (device.platform !== 'iOS' && device.platform !== 'iPadOS') {
    return null
  }
  return isOn ? (
    NEXT['EnableLostMode']?.map((type) => (
      <ActionLink key={type} to={`${to.command}/${type}`} scope="command">
        {deedOf(type, NO_FACTS)}…
      </ActionLink>
    ))
  ) : (
    <ActionLink to={to.lost} scope="command">
      Lost Mode…
    </ActionLink>
  )
}

type Addresses = ReturnType<typeof addressesOf>

function addressesOf(id: string) {
  const command = `${devicePage(id)}/command`
  return {
    command,
    lock: `${command}/DeviceLock`,
    erase: `${command}/EraseDevice`,
    lost: `${command}/EnableLostMode`,
    restart: `${command}/RestartDevice`,
    reveal: `${devicePage(id)}?tab=secrets&reveal=any`,
  }
}

function sayWhyNot(text: string): void {
  toast({ text })
}

/** The keys that need to know the device, and its lines in the palette. */
function useShortcuts(
  name: string,
  to: Addresses,
  { push, refresh }: { readonly push: () => unknown; readonly refresh: () => unknown },
): void {
  useKeys({
    p: { label: 'Push the device', run: push },
    r: { label: 'Refresh the inventory', run: refresh },
  })
  usePalette([
    { label: `Push ${name}`, run: push },
    { label: `Refresh the inventory of ${name}`, run: refresh },
    { label: `Send a command to ${name}…`, to: to.command },
    { label: `Reveal a secret of ${name}…`, to: to.reveal },
    { label: `Lock ${name}…`, to: to.lock, danger: true },
    { label: `Erase ${name}…`, to: to.erase, danger: true },
  ])
}
