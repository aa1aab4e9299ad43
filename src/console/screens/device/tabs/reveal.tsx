import { type Signal, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { send } from '../../../api/call.ts'
import type { Fault } from '../../../api/fault.ts'
import { changed } from '../../../api/read.ts'
import { may } from '../../../api/session.ts'
import { Button, needs } from '../../../kit/button.tsx'
import { Copy } from '../../../kit/copy.tsx'
import { Dialog, GiveUp } from '../../../kit/dialog.tsx'
import { Choice, Field } from '../../../kit/field.tsx'
import { FaultNote } from '../../../kit/states.tsx'
import { forgetTyped, useTyped } from '../../../place/kept.ts'
import { every } from '../../../time/clock.ts'
import {
  revealedOf,
  spelt,
  tokenText,
  type DeviceSecret,
  type RevealedValue,
} from '../secret-words.ts'
import { CLIPBOARD } from '../text.ts'

const SECONDS = 60

/** Asks for a reason, then shows the secret for a minute. It leaves the page with the dialog. */
export function Reveal({
  device,
  secrets,
  asked,
  reasons,
  onClose,
}: {
  readonly device: string
  readonly secrets: readonly DeviceSecret[]
  /** The secret’s id; any other word chooses the first. */
  readonly asked: string
  readonly reasons: readonly string[]
  readonly onClose: () => void
}) {
  const chosen = useSignal(asked)
  const name = `reason ${device}`
  const reason = useTyped(name, '')
  const isLacking = useSignal(false)
  const fault = useSignal<Fault | undefined>(undefined)
  const values = useSignal<readonly RevealedValue[] | undefined>(undefined)
  const secret = secrets.find(({ id }) => id === chosen.value) ?? secrets[0]
  if (!secret) {
    return null
  }
  const reveal = async (): Promise<void> => {
    isLacking.value = reason.value.trim() === ''
    if (isLacking.value) {
      return
    }
    const found = await readSecret(device, secret, reason.value.trim())
    fault.value = found.fault
    values.value = found.values
    if (found.values) {
      forgetTyped(name)
    }
    changed(`/api/devices/${encodeURIComponent(device)}/escrow/reads`)
  }
  return (
    <Dialog title={`Reveal: ${secret.label}`} onClose={onClose}>
      {values.value ? (
        <Open values={values.value} onHide={onClose} />
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault()
          }}
        >
          {fault.value && <FaultNote fault={fault.value} />}
          <Which of={secrets} chosen={chosen} />
          <Field
            label="Reason"
            value={reason.value}
            isNeeded
            fault={
              isLacking.value ? 'Write why you read it: it is recorded with your name.' : undefined
            }
            hint="Recorded with your name. No one can delete the record."
            more={{ maxLength: 1000, autocomplete: 'off' }}
            onInput={(text) => {
              reason.value = text
            }}
          />
          <Before
            reasons={reasons}
            onChoose={(text) => {
              reason.value = text
            }}
          />
          <p class="actions">
            <Button
              type="submit"
              tone="main"
              why={needs('secrets', may('secrets'))}
              onClick={reveal}
            >
              Reveal
            </Button>
            <GiveUp typed={name} label="Close" onClose={onClose} />
          </p>
        </form>
      )}
    </Dialog>
  )
}

function Which({
  of: secrets,
  chosen,
}: {
  readonly of: readonly DeviceSecret[]
  readonly chosen: Signal<string>
}) {
  return secrets.length < 2 ? null : (
    <Choice
      label="Secret"
      value={chosen.value}
      of={secrets.map(({ id, label, origin }) => [id, `${label}, ${origin}`])}
      onChoose={(id) => {
        chosen.value = id
      }}
    />
  )
}

/** Reasons that were given before. */
function Before({
  reasons,
  onChoose,
}: {
  readonly reasons: readonly string[]
  readonly onChoose: (reason: string) => void
}) {
  return reasons.length === 0 ? null : (
    <p class="actions before">
      {reasons.map((text) => (
        <Button
          key={text}
          tone="quiet"
          onClick={() => {
            onChoose(text)
          }}
        >
          <bdi>{text}</bdi>
        </Button>
      ))}
    </p>
  )
}

/** Shows values until the minute is over, or the page is left. */
function Open({
  values,
  onHide,
}: {
  readonly values: readonly RevealedValue[]
  readonly onHide: () => void
}) {
  const left = useSignal(SECONDS)
  const isSpelt = useSignal(false)
  useEffect(
    () =>
      every(1000, () => {
        left.value--
        if (left.value <= 0) {
          onHide()
        }
      }),
    [left, onHide],
  )
  return (
    <>
      {values.length === 0 && <p>It is empty, or no longer kept.</p>}
      {values.map(({ name, text }) => (
        <div class="secret" key={name}>
          <h3>{name}</h3>
          <pre class="value">{text}</pre>
          {isSpelt.value && (
            <ol class="spelt">
              {spelt(text.slice(0, 100)).map(({ sign, name: word }, n) => (
                <li key={n}>
                  <code>{sign}</code> {word}
                </li>
              ))}
            </ol>
          )}
          <Copy text={text} />
        </div>
      ))}
      <p class="dim">{CLIPBOARD}</p>
      <p class="actions">
        <Button
          onClick={() => {
            isSpelt.value = !isSpelt.value
          }}
        >
          {isSpelt.value ? 'Do not spell it' : 'Spell it'}
        </Button>
        <Button tone="main" onClick={onHide}>
          Hide
        </Button>
        <span class="dim" role="timer">
          Hidden in {left.value} s
        </span>
      </p>
    </>
  )
}

async function readSecret(
  device: string,
  { source }: DeviceSecret,
  reason: string,
): Promise<{ readonly values?: readonly RevealedValue[]; readonly fault?: Fault }> {
  if (source.kind === 'token') {
    const { kind, id } = source.token
    const answer = await send('post', '/api/devices/{id}/escrow/{kind}', {
      path: { id: device, kind },
      body: { reason, token_id: id },
    })
    return answer.ok
      ? { values: [{ name: 'Value', text: tokenText(kind, answer.value.value) }] }
      : { fault: answer.fault }
  }
  const { command_id: id, secrets } = source.command
  const answer = await send('post', '/api/commands/{id}/secrets', {
    path: { id },
    body: { reason },
  })
  return answer.ok ? { values: revealedOf(secrets, answer.value) } : { fault: answer.fault }
}
