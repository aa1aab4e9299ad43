import { useSignal } from '@preact/signals'
import { send } from '../../api/call.ts'
import type { Fault } from '../../api/fault.ts'
import { changed } from '../../api/read.ts'
import { Button } from '../../kit/button.tsx'
import { Copy } from '../../kit/copy.tsx'
import { Dialog, GiveUp } from '../../kit/dialog.tsx'
import { FaultNote } from '../../kit/states.tsx'
import { forgetTyped, useTyped } from '../../place/kept.ts'
import { ByTable } from './form/by-table.tsx'
import { type FieldOf, type JsonForm, placesAt } from './form/fields.ts'
import { Qr } from './qr.tsx'

const FIELDS: readonly FieldOf[] = [
  { key: 'note', label: 'For', as: 'text', hint: 'A note: the person, or the room' },
  {
    key: 'lifetime',
    label: 'Valid for',
    as: 'choice',
    none: '7 days',
    of: [
      ['12h', '12 hours'],
      ['1d', '1 day'],
      ['30d', '30 days'],
      ['365d', '365 days'],
    ],
  },
  { key: 'max_uses', label: 'Uses', as: 'number', hint: '1 if left out; over the air takes two' },
  {
    key: 'serial_number',
    label: 'Only for the serial number',
    as: 'text',
    hint: 'Any device, if left out',
  },
]
const TYPED = 'new invitation'
const PLACES = FIELDS.map(({ key }) => `json.${key}`)

/** Makes an invitation, and shows its link this once: the server keeps only a hash. */
export function NewInvitation({ onClose }: { readonly onClose: () => void }) {
  const draft = useTyped<JsonForm>(TYPED, {})
  const link = useSignal('')
  const isCopied = useSignal(false)
  const fault = useSignal<Fault | undefined>(undefined)
  const make = async (): Promise<void> => {
    // The server judges what was typed, and names each place.
    const answer = await send('post', '/api/invitations', {
      body: { lifetime: '7d', max_uses: 1, ...draft.value },
    })
    fault.value = answer.ok ? undefined : answer.fault
    if (answer.ok) {
      forgetTyped(TYPED)
      link.value = answer.value.link
      changed('/api/invitations')
    }
  }
  const faults = fault.value?.errors ?? []
  return link.value === '' ? (
    <Dialog title="New invitation" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
        }}
      >
        <ByTable
          fields={FIELDS}
          json={draft.value}
          at="json"
          faults={faults}
          onChange={(json) => {
            draft.value = json
          }}
        />
        {fault.value && <FaultNote fault={fault.value} atFields={placesAt(faults, PLACES)} />}
        <div class="actions">
          <Button type="submit" tone="main" onClick={make}>
            Make the invitation
          </Button>
          <GiveUp typed={TYPED} onClose={onClose} />
        </div>
      </form>
    </Dialog>
  ) : (
    <Dialog title="The invitation" onClose={onClose} isKept={!isCopied.value}>
      <p>Send this link. It is shown only now.</p>
      <Qr text={link.value} label="QR code of the invitation" />
      <pre class="mono">{link.value}</pre>
      <div class="actions">
        <Copy
          text={link.value}
          label="Copy link"
          onCopied={() => {
            isCopied.value = true
          }}
        />
        <Button onClick={onClose}>Done</Button>
      </div>
    </Dialog>
  )
}
