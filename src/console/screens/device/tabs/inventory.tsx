import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { Schema } from '../../../api/types.ts'
import { Empty } from '../../../kit/states.tsx'
import { Button, needs } from '../../../kit/button.tsx'
import { Time } from '../../../kit/time.tsx'
import { may } from '../../../api/session.ts'
import { blocksOf } from '../../../results/view.ts'
import type { JsonObject } from '../../../composer/draft.ts'
import { Blocks } from '../../command/blocks.tsx'
import type { Differences } from '../../command/differences.tsx'
import { refreshInventory } from '../deeds.ts'
import { valueAt } from '../verdict.ts'
import { Age } from './summary.tsx'

type Device = Schema<'DeviceDetail'>

/** The reports that the page shows, and the key that each has in its answer. */
const REPORTS = [
  ['DeviceInformation', 'QueryResponses'],
  ['SecurityInfo', 'SecurityInfo'],
  ['InstalledApplicationList', 'InstalledApplicationList'],
] as const

/** What the device has reported of itself and its apps, as of when. */
export function Inventory({ device }: { readonly device: Device }) {
  const { InstalledApplicationList: apps } = device.inventory
  const there = REPORTS.filter(([type]) => device.inventory[type] !== null)
  return (
    <>
      <Age device={device} />
      {there.length === 0 && <Empty title="The device has not been asked yet" />}
      {there.map(([type, key]) => (
        <Report key={type} type={type} of={{ [key]: device.inventory[type]?.value ?? null }} />
      ))}
      {apps && <AppChanges key={apps.command_id} id={apps.command_id} device={device.id} />}
    </>
  )
}

/** What came and went since the list of apps before. Its code is loaded when the tab is. */
function AppChanges({ id, device }: { readonly id: string; readonly device: string }) {
  const shown = useSignal<typeof Differences | undefined>(undefined)
  useEffect(() => {
    // Without a connection the list stands without it.
    void import('../../command/differences.tsx').then(
      (loaded) => {
        shown.value = loaded.Differences
      },
      () => undefined,
    )
  }, [shown])
  const Shown = shown.value
  return Shown ? <Shown of={{ id, device, type: 'InstalledApplicationList' }} /> : null
}

/** An answer of a type, as a person reads it. */
export function Report({ type, of }: { readonly type: string; readonly of: object }) {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- JSON, as the device reported it
  return <Blocks of={blocksOf(type, of as JsonObject)} name={type} />
}

export function AsOf({ at }: { readonly at: string }) {
  return (
    <span class="dim">
      as of <Time at={at} />
    </span>
  )
}

/** Asks a device for its reports once more; one that is not enrolled cannot be asked. */
export function AskAgain({
  device: { id, state },
  isMain,
}: {
  readonly device: Pick<Device, 'id' | 'state'>
  readonly isMain?: boolean
}) {
  return state === 'enrolled' ? (
    <Button
      tone={isMain ? 'main' : 'quiet'}
      why={needs('command', may('command'))}
      onClick={() => refreshInventory(id)}
    >
      Ask again
    </Button>
  ) : null
}

/** A text of a report; empty where it has none. */
export function textAt(report: unknown, key: string): string {
  const value = valueAt(report, key)
  return typeof value === 'string' ? value : ''
}
