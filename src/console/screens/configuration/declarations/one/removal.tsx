import { useSignal } from '@preact/signals'
import type { Schema } from '../../../../api/types.ts'
import { Button } from '../../../../kit/button.tsx'
import { Dialog } from '../../../../kit/dialog.tsx'
import { Field } from '../../../../kit/field.tsx'
import { counted } from '../../../../time/words.ts'
import { deleteDeclaration } from '../deeds.ts'

/** Asks before a declaration is deleted: where it is used, and on how many devices. */
export function DeclarationRemoval({
  of: { id, sets, states },
  onClose,
}: {
  readonly of: Schema<'DeclarationDetail'>
  readonly onClose: () => void
}) {
  const typed = useSignal('')
  const devices = states.applied + states.pending + states.failed + states.inactive
  const isSure = devices === 0 || typed.value.trim() === String(devices)
  return (
    <Dialog title="Delete declaration" onClose={onClose}>
      <p class="mono">{id}</p>
      <p>
        {sets.length === 0
          ? 'It is in no set.'
          : `It is in use: in ${counted(sets.length, 'set')} (${sets.join(', ')}), and is taken out of ${
              sets.length === 1 ? 'it' : 'them'
            }.`}{' '}
        {devices > 0 &&
          `${counted(devices, 'device or user', 'devices and users')} remove it, with what it did.`}
      </p>
      {devices > 0 && (
        <Field
          label={`Type the number of devices: ${devices}`}
          value={typed.value}
          more={{ inputMode: 'numeric', autocomplete: 'off' }}
          onInput={(text) => {
            typed.value = text
          }}
        />
      )}
      <div class="actions">
        <Button
          tone="danger"
          why={isSure ? undefined : 'Type the number of devices first'}
          onClick={() => deleteDeclaration(id, sets.length > 0)}
        >
          Delete declaration
        </Button>
        <Button onClick={onClose}>Keep it</Button>
      </div>
    </Dialog>
  )
}
