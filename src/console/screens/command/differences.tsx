import { useSignal } from '@preact/signals'
import { get } from '../../api/call.ts'
import type { Fault } from '../../api/fault.ts'
import { isJsonKeys, type Json, type JsonObject } from '../../composer/draft.ts'
import { Button } from '../../kit/button.tsx'
import { FaultNote } from '../../kit/states.tsx'
import { Time } from '../../kit/time.tsx'
import { informationDifferences } from '../../results/differences.ts'
import { Blocks } from './blocks.tsx'
import { NO_EARLIER_ANSWER } from './text.ts'
import type { CommandDetail } from './use-command.ts'

/** Newer answers of the same type that may stand before the one that is looked for. */
const LISTED = 100

type Found =
  | { readonly kind: 'none' }
  | { readonly kind: 'fault'; readonly fault: Fault }
  | { readonly kind: 'earlier'; readonly at: string | null; readonly result: JsonObject }

/** What the device answered otherwise than before; read when somebody asks for it. */
export function Differences({ of: command }: { readonly of: CommandDetail }) {
  const found = useSignal<Found | undefined>(undefined)
  const { value } = found
  if (value === undefined) {
    return (
      <Button
        onClick={async () => {
          found.value = await earlierAnswer(command)
        }}
      >
        Compare with the answer before
      </Button>
    )
  }
  if (value.kind === 'fault') {
    return <FaultNote fault={value.fault} />
  }
  if (value.kind === 'none') {
    return <p class="dim">{NO_EARLIER_ANSWER}</p>
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the API's answer is JSON
  const table = informationDifferences(value.result, command.result as JsonObject)
  return (
    <>
      <p class="dim">
        The answer before is of <Time at={value.at} />.
        {table.rows.length === 0 && ' Nothing has changed since then.'}
      </p>
      {table.rows.length > 0 && <Blocks of={[table]} name="differences" />}
    </>
  )
}

async function earlierAnswer({
  id,
  enrollment_id: device,
  request_type: type,
}: CommandDetail): Promise<Found> {
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
  const read = await get('/api/commands/{id}', { path: { id: before } })
  if (!read.ok) {
    return { kind: 'fault', fault: read.fault }
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the API's answer is JSON
  const result = read.value.result as Json
  return isJsonKeys(result)
    ? { kind: 'earlier', at: read.value.answered_at, result }
    : { kind: 'none' }
}
