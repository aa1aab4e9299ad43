import { useSignal } from '@preact/signals'
import { send } from '../../api/call.ts'
import type { Fault } from '../../api/fault.ts'
import { changed } from '../../api/read.ts'
import { may } from '../../api/session.ts'
import type { Schema } from '../../api/types.ts'
import { Button, needs } from '../../kit/button.tsx'
import { Dialog, SecretDialog } from '../../kit/dialog.tsx'
import { Choice } from '../../kit/field.tsx'
import { FaultNote, Note } from '../../kit/states.tsx'
import { ENDS, OVERLAPS, ROLLING, ROLLING_EXPIRED, ROLLING_OWN, SHOWN_ONCE } from './text.ts'

/** Gives a key a new secret, and shows it once. */
export function Roll({
  of: key,
  onClose,
}: {
  readonly of: Schema<'Key'>
  readonly onClose: () => void
}) {
  const isExpired = key.state === 'expired'
  const overlap = useSignal<string>('1d')
  const end = useSignal<string>('365d')
  const fault = useSignal<Fault | undefined>(undefined)
  const secret = useSignal('')
  const roll = async (): Promise<void> => {
    const answer = await send('post', '/api/keys/{id}/roll', {
      path: { id: key.id },
      body: { overlap: overlap.value, ...(isExpired && { expires_in: end.value }) },
    })
    changed('/api/keys')
    if (answer.ok) {
      secret.value = answer.value.key
    } else {
      fault.value = answer.fault
    }
  }
  if (secret.value !== '') {
    const ends = OVERLAPS.find(([value]) => value === overlap.value)?.[1].replace(/:.*/, '') ?? ''
    const lead = isExpired ? SHOWN_ONCE : `${SHOWN_ONCE} The secret before it ends ${ends}.`
    return (
      <SecretDialog
        title={`The key ${key.name}`}
        lead={lead}
        secret={secret.value}
        copy="Copy the key"
        onClose={onClose}
      />
    )
  }
  return (
    <Dialog title={`Roll ${key.name}`} onClose={onClose}>
      <p>{isExpired ? ROLLING_EXPIRED : ROLLING}</p>
      {fault.value && <FaultNote fault={fault.value} />}
      {isExpired ? (
        <Choice
          label="The key ends"
          value={end.value}
          of={ENDS}
          onChoose={(value) => {
            end.value = value
          }}
        />
      ) : (
        <Choice
          label="The present secret ends"
          value={overlap.value}
          of={OVERLAPS}
          onChoose={(value) => {
            overlap.value = value
          }}
        />
      )}
      {key.current && (
        <Note tone="warn">
          <p>{ROLLING_OWN}</p>
        </Note>
      )}
      <div class="actions">
        <Button tone="main" why={needs('admin', may('admin'))} onClick={roll}>
          Roll {key.name}
        </Button>
        <Button onClick={onClose}>Cancel</Button>
      </div>
    </Dialog>
  )
}
