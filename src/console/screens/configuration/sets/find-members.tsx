import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { deviceName } from '../../../api/names.ts'
import { useRead } from '../../../api/read.ts'
import { Button } from '../../../kit/button.tsx'
import { Field } from '../../../kit/field.tsx'
import { Shown } from '../../../kit/states.tsx'
import { after } from '../../../time/clock.ts'
import { changeMembers } from '../declarations/deeds.ts'
import { idsMatching, MOST_MATCHING, TOO_MANY } from './matching.ts'

const PAUSE = 150
const SHOWN = 8

/** Finds devices as the list of devices does, and adds one, or all that match. */
export function FindMembers({
  set,
  why,
}: {
  readonly set: string
  readonly why: string | undefined
}) {
  const typed = useSignal('')
  const asked = useSignal('')
  const text = typed.value
  useEffect(
    () =>
      after(PAUSE, () => {
        asked.value = text.trim()
      }),
    [text, asked],
  )
  return (
    <div role="search">
      <Field
        label="Add devices"
        type="search"
        value={text}
        more={{ placeholder: 'Name, serial number, model, id', autocomplete: 'off' }}
        onInput={(word) => {
          typed.value = word
        }}
      />
      {asked.value !== '' && <Found set={set} q={asked.value} why={why} />}
    </div>
  )
}

function Found({
  set,
  q,
  why,
}: {
  readonly set: string
  readonly q: string
  readonly why: string | undefined
}) {
  const read = useRead('/api/devices', { query: { q, limit: SHOWN } })
  return (
    <Shown read={read} lines={2}>
      {({ items, total }) =>
        items.length === 0 ? (
          <p class="dim">No device matches.</p>
        ) : (
          <>
            <ul class="rows">
              {items.map((device) => (
                <li key={device.id}>
                  <span class="said">
                    <bdi>{deviceName(device)}</bdi>{' '}
                    <bdi class="dim">{device.serial_number ?? device.id}</bdi>
                  </span>
                  <Button
                    why={why}
                    label={`Add ${deviceName(device)}`}
                    onClick={() => changeMembers(set, [device.id], true)}
                  >
                    Add
                  </Button>
                </li>
              ))}
            </ul>
            {total !== null && total > 1 && (
              <Button why={total > MOST_MATCHING ? TOO_MANY : why} onClick={() => addAll(set, q)}>
                Add all {total.toLocaleString('en-GB')} that match
              </Button>
            )}
          </>
        )
      }
    </Shown>
  )
}

/** Reads the ids of all devices that match, then adds them. */
async function addAll(set: string, q: string): Promise<void> {
  const ids = await idsMatching({ q })
  if (ids) {
    await changeMembers(set, ids, true)
  }
}
