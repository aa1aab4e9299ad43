import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { get } from '../../api/call.ts'
import type { Fault } from '../../api/fault.ts'
import { isJsonKeys, type Json, type JsonObject } from '../../composer/draft.ts'
import { Button } from '../../kit/button.tsx'
import { FaultNote } from '../../kit/states.tsx'
import { Time } from '../../kit/time.tsx'
import { appDifferences, informationDifferences } from '../../results/differences.ts'
import type { TableBlock } from '../../results/view.ts'
import { Blocks } from './blocks.tsx'
import { NO_EARLIER_ANSWER } from './text.ts'
import type { CommandDetail } from './use-command.ts'

/** Newer answers of the same type that may stand before the one that is looked for. */
const LISTED = 100

type Found =
  | { readonly kind: 'none' }
  | { readonly kind: 'fault'; readonly fault: Fault }
  | { readonly kind: 'earlier'; readonly at: string | null; readonly table: TableBlock }

/** What changed from one answer of a type to the next. A list of apps says it only of the same question. */
const COMPARED = {
  DeviceInformation: { differences: informationDifferences, isSameQuestion: false },
  InstalledApplicationList: { differences: appDifferences, isSameQuestion: true },
} as const

export type Compared = keyof typeof COMPARED

export function isCompared(type: string): type is Compared {
  return Object.hasOwn(COMPARED, type)
}

interface OfAnswer {
  /** Of the command, and of the device or user. */
  readonly id: string
  readonly device: string
  readonly type: Compared
}

/** What the device answered otherwise than before; read when a person asks for it. */
export function Differences({ of }: { readonly of: OfAnswer }) {
  const found = useSignal<Found | undefined>(undefined)
  const { value } = found
  const look = async (): Promise<void> => {
    found.value = await compare(of)
  }
  if (value === undefined) {
    return <Button onClick={look}>Compare with the answer before</Button>
  }
  if (value.kind === 'fault') {
    return <FaultNote fault={value.fault} again={() => void look()} />
  }
  if (value.kind === 'none') {
    return <Said>{NO_EARLIER_ANSWER}</Said>
  }
  const { table } = value
  return (
    <>
      <Said>
        The answer before is of <Time at={value.at} />.
        {table.rows.length === 0 && ' Nothing has changed since then.'}
      </Said>
      {table.rows.length > 0 && <Blocks of={[table]} name="differences" />}
    </>
  )
}

/** It stands in the place of the button that was pressed, and takes over its focus. */
function Said({ children }: { readonly children: ComponentChildren }) {
  return (
    <p class="dim" tabIndex={-1} ref={takeFocus}>
      {children}
    </p>
  )
}

function takeFocus(element: HTMLElement | null): void {
  element?.focus({ preventScroll: true })
}

async function compare({ id, device, type }: OfAnswer): Promise<Found> {
  const listed = await get('/api/devices/{id}/commands', {
    path: { id: device },
    query: { request_type: [type], state: ['acknowledged'], limit: LISTED },
  })
  if (!listed.ok) {
    return { kind: 'fault', fault: listed.fault }
  }
  const ids = listed.value.items.map((one) => one.id)
  const at = ids.indexOf(id)
  const before = at === -1 ? undefined : ids[at + 1]
  if (before === undefined) {
    return { kind: 'none' }
  }
  const [now, old] = await Promise.all([readAnswer(id), readAnswer(before)])
  if (!now.ok) {
    return { kind: 'fault', fault: now.fault }
  }
  if (!old.ok) {
    return { kind: 'fault', fault: old.fault }
  }
  const { differences, isSameQuestion } = COMPARED[type]
  const [result, earlier] = [resultOf(now.value), resultOf(old.value)]
  const isOther =
    isSameQuestion && JSON.stringify(now.value.command) !== JSON.stringify(old.value.command)
  return result && earlier && !isOther
    ? { kind: 'earlier', at: old.value.answered_at, table: differences(earlier, result) }
    : { kind: 'none' }
}

function readAnswer(id: string) {
  return get('/api/commands/{id}', { path: { id } })
}

function resultOf({ result }: CommandDetail): JsonObject | undefined {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the API's answer is JSON
  const value = result as Json
  return isJsonKeys(value) ? value : undefined
}
