import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { send } from '../../api/call.ts'
import type { Fault } from '../../api/fault.ts'
import { may } from '../../api/session.ts'
import { Button, needs } from '../../kit/button.tsx'
import { Copy } from '../../kit/copy.tsx'
import { Dialog, GiveUp } from '../../kit/dialog.tsx'
import { Field } from '../../kit/field.tsx'
import { FaultNote, Note } from '../../kit/states.tsx'
import { forgetTyped, useTyped } from '../../place/kept.ts'
import { after } from '../../time/clock.ts'
import { HIDES, SEALED } from './text.ts'

const SHOWN_FOR = 60_000

/** The secrets of a command and its answer, for a reason and for a minute. */
export function CommandSecrets({
  id,
  names,
}: {
  readonly id: string
  readonly names: readonly string[]
}) {
  const isAsking = useSignal(false)
  const values = useSignal<readonly (readonly [string, string])[] | undefined>(undefined)
  useEffect(
    () =>
      values.value &&
      after(SHOWN_FOR, () => {
        values.value = undefined
      }),
    [values.value],
  )
  return (
    <Note>
      {values.value ? (
        <>
          <dl class="secrets">
            {values.value.map(([name, text]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd class="mono">
                  {text} <Copy text={text} />
                </dd>
              </div>
            ))}
          </dl>
          <p class="dim">{HIDES}</p>
        </>
      ) : (
        <>
          <p>{SEALED}</p>
          <Button
            why={needs('secrets', may('secrets'))}
            onClick={() => {
              isAsking.value = true
            }}
          >
            Reveal…
          </Button>
        </>
      )}
      {isAsking.value && (
        <Ask
          id={id}
          onClose={() => {
            isAsking.value = false
          }}
          onRead={(read) => {
            isAsking.value = false
            values.value = names.map((name) => [name, textAt(read, name)])
          }}
        />
      )}
    </Note>
  )
}

type Revealed = Readonly<Record<string, unknown>>

function Ask({
  id,
  onClose,
  onRead,
}: {
  readonly id: string
  readonly onClose: () => void
  readonly onRead: (read: Revealed) => void
}) {
  const name = `reason ${id}`
  const reason = useTyped(name, '')
  const fault = useSignal<Fault | undefined>(undefined)
  const reveal = async (): Promise<void> => {
    const answer = await send('post', '/api/commands/{id}/secrets', {
      path: { id },
      body: { reason: reason.value },
    })
    if (answer.ok) {
      forgetTyped(name)
      onRead({ ...answer.value })
    } else {
      fault.value = answer.fault
    }
  }
  return (
    <Dialog title="Reveal the secrets of this command" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
        }}
      >
        {fault.value && <FaultNote fault={fault.value} />}
        <Field
          label="Reason"
          hint="It is recorded with your name."
          isNeeded
          value={reason.value}
          onInput={(text) => {
            reason.value = text
          }}
        />
        <div class="actions">
          <Button type="submit" tone="main" onClick={reveal}>
            Reveal
          </Button>
          <GiveUp typed={name} label="Back" onClose={onClose} />
        </div>
      </form>
    </Dialog>
  )
}

/** @param name such as `command.PIN` */
function textAt(read: Revealed, name: string): string {
  const value = name
    .split('.')
    .reduce<unknown>(
      (inner, key) =>
        typeof inner === 'object' && inner !== null
          ? new Map<string, unknown>(Object.entries(inner)).get(key)
          : undefined,
      read,
    )
  return typeof value === 'string' ? value : JSON.stringify(value ?? null, null, 2)
}
