import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { may } from '../../api/session.ts'
import type { Schema } from '../../api/types.ts'
import { Button, needs } from '../../kit/button.tsx'
import { Dialog } from '../../kit/dialog.tsx'
import { Field } from '../../kit/field.tsx'
import { changeStanding, removeFromLists } from './deeds.ts'
import { BLOCK_WORDS, DELETE_WORDS, RETIRE_WORDS } from './text.ts'

type Device = Schema<'DeviceDetail'>
export type Asked = 'block' | 'retire' | 'remove'

/** What pauses or ends the management of the device, the first before the line. */
export function DeviceStanding({
  device,
  children,
  ask,
}: {
  readonly device: Device
  readonly children: ComponentChildren
  readonly ask: (what: Asked) => void
}) {
  const lacks = needs('destructive', may('destructive'))
  return (
    <>
      <Button
        tone="quiet"
        why={needs('command', may('command'))}
        onClick={() => {
          ask('retire')
        }}
      >
        Stop pushing…
      </Button>
      <hr />
      {children}
      {device.blocked ? (
        <Button tone="quiet" why={lacks} onClick={() => changeStanding(device.id, 'unblock')}>
          Unblock
        </Button>
      ) : (
        <Button
          tone="quiet"
          why={lacks}
          onClick={() => {
            ask('block')
          }}
        >
          <span class="bad">Block…</span>
        </Button>
      )}
      {!device.deleted && (
        <Button
          tone="quiet"
          why={lacks}
          onClick={() => {
            ask('remove')
          }}
        >
          <span class="bad">Remove from the lists…</span>
        </Button>
      )}
    </>
  )
}

const ASKED = {
  block: { title: 'Block', words: BLOCK_WORDS, verb: 'Block', isTyped: true },
  retire: { title: 'Stop pushing', words: RETIRE_WORDS, verb: 'Stop pushing', isTyped: false },
  remove: { title: 'Remove from the lists', words: DELETE_WORDS, verb: 'Remove', isTyped: false },
} as const

/** Says what happens before it does. What cannot be undone from here is typed. */
export function Ask({
  device: { id, serial_number: serial },
  name,
  what,
  onClose,
}: {
  readonly device: Device
  readonly name: string
  readonly what: Asked
  readonly onClose: () => void
}) {
  const typed = useSignal('')
  const { title, words, verb, isTyped } = ASKED[what]
  const code = (serial ?? id).slice(-4)
  const isReady = !isTyped || typed.value.trim().toUpperCase() === code.toUpperCase()
  const run = async (): Promise<void> => {
    await (what === 'remove' ? removeFromLists(id) : changeStanding(id, what))
    onClose()
  }
  return (
    <Dialog title={`${title}: ${name}`} onClose={onClose}>
      <p>{words}</p>
      {isTyped && (
        <Field
          label={`Type ${code}, the last four of its ${serial === null ? 'id' : 'serial number'}`}
          value={typed.value}
          isMono
          more={{ autocomplete: 'off', spellcheck: false }}
          onInput={(text) => {
            typed.value = text
          }}
        />
      )}
      <p class="actions">
        <Button
          tone={isTyped ? 'danger' : 'main'}
          why={isReady ? undefined : `Type ${code} first`}
          onClick={run}
        >
          {verb}
        </Button>
        <Button onClick={onClose}>Keep it as it is</Button>
      </p>
    </Dialog>
  )
}
