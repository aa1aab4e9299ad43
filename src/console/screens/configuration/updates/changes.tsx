import { useSignal } from '@preact/signals'
import { send } from '../../../api/call.ts'
import type { Fault } from '../../../api/fault.ts'
import { changed } from '../../../api/read.ts'
import type { Schema } from '../../../api/types.ts'
import { Button } from '../../../kit/button.tsx'
import { AskFirst, Dialog, GiveUp } from '../../../kit/dialog.tsx'
import { Choice, Field } from '../../../kit/field.tsx'
import { FaultNote, Note } from '../../../kit/states.tsx'
import { toast } from '../../../kit/toast.tsx'
import { forgetTyped, useTyped } from '../../../place/kept.ts'
import { go } from '../../../place/router.ts'
import { serverNow } from '../../../time/clock.ts'
import { counted } from '../../../time/words.ts'
import { DaysAfter } from './fields.tsx'
import { usualDeadline, withDeadline, withSeconds } from './model.ts'
import { INSTALL_ACTIONS, targetText, UPDATE_SENTENCES } from './text.ts'

type Detail = Schema<'SoftwareUpdateDetail'>

interface ChangeProps {
  readonly of: Detail
  readonly onClose: () => void
}

function deadlineTyped(id: string): string {
  return `deadline ${id}`
}

/** Another deadline for the same version and the same devices. */
export function ChangeDeadline({ of: policy, onClose }: ChangeProps) {
  const { deadline } = policy
  const isByRelease = typeof deadline?.days_after_release === 'number'
  const name = deadlineTyped(policy.id)
  const typed = useTyped(name, {
    local: deadline?.local?.slice(0, 16) ?? usualDeadline(serverNow()),
    days: String(deadline?.days_after_release ?? ''),
    time: deadline?.time ?? '19:00',
  })
  const { local, days, time } = typed.value
  const fault = useSignal<Fault | undefined>(undefined)
  const store = async (): Promise<void> => {
    const answer = await send('put', '/api/software-updates/{id}', {
      path: { id: policy.id },
      body: withDeadline(
        policy,
        isByRelease ? { days_after_release: Number(days), time } : { local: withSeconds(local) },
      ),
    })
    if (answer.ok) {
      changed('/api/software-updates')
      toast({ text: 'Deadline changed. Devices hear of it at their next connection' })
      forgetTyped(name)
      onClose()
    } else {
      fault.value = answer.fault
    }
  }
  const isPast = !isByRelease && Date.parse(local) < serverNow()
  return (
    <Dialog title={`Deadline of ${targetText(policy)}`} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
        }}
      >
        {isByRelease ? (
          <DaysAfter
            days={days}
            time={time}
            onChange={(part) => {
              const { daysAfter = days, time: then = time } = part
              typed.value = { local, days: daysAfter, time: then }
            }}
          />
        ) : (
          <Field
            label="Deadline"
            type="datetime-local"
            isNeeded
            hint={UPDATE_SENTENCES.zone}
            value={local}
            onInput={(text) => {
              typed.value = { ...typed.value, local: text }
            }}
          />
        )}
        {isPast && <Note tone="warn">{UPDATE_SENTENCES.past}</Note>}
        {fault.value && <FaultNote fault={fault.value} />}
        <div class="actions">
          <Button type="submit" tone="main" onClick={store}>
            Change deadline
          </Button>
          <GiveUp typed={name} onClose={onClose} />
        </div>
      </form>
    </Dialog>
  )
}

/** For devices whose OS does not know the declaration. It becomes a job. */
export function SendCommand({
  of: policy,
  count,
  onClose,
}: ChangeProps & { readonly count: number }) {
  const [first = 'macOS'] = policy.platforms
  const platform = useSignal(first)
  const action = useSignal<keyof typeof INSTALL_ACTIONS>('Default')
  const fault = useSignal<Fault | undefined>(undefined)
  const key = useSignal(crypto.randomUUID())
  const ask = async (): Promise<void> => {
    const answer = await send('post', '/api/software-updates/{id}/commands', {
      path: { id: policy.id },
      body: { platform: platform.value, install_action: action.value },
      headers: { 'idempotency-key': key.value },
    })
    if (answer.ok) {
      changed('/api/jobs')
      go(`/console/jobs/${encodeURIComponent(answer.value.id)}`)
    } else {
      fault.value = answer.fault
    }
  }
  const change = (set: () => void): void => {
    set()
    key.value = crypto.randomUUID()
    fault.value = undefined
  }
  return (
    <Dialog title={`Send ${targetText(policy)}`} onClose={onClose}>
      <p>{UPDATE_SENTENCES.command}</p>
      {policy.platforms.length > 1 && (
        <Choice
          label="Platform"
          value={platform.value}
          of={policy.platforms.map((one) => [one, one] as const)}
          onChoose={(word) => {
            change(() => {
              platform.value = policy.platforms.find((one) => one === word) ?? first
            })
          }}
        />
      )}
      <Choice
        label="What the device does"
        value={action.value}
        of={Object.entries(INSTALL_ACTIONS)}
        onChoose={(word) => {
          change(() => {
            // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a choice of this list
            action.value = word as keyof typeof INSTALL_ACTIONS
          })
        }}
      />
      {fault.value && <FaultNote fault={fault.value} />}
      <div class="actions">
        <Button tone="main" onClick={ask}>
          Send to {policy.platforms.length > 1 ? 'them' : `up to ${counted(count, 'device')}`}
        </Button>
        <Button onClick={onClose}>Cancel</Button>
      </div>
    </Dialog>
  )
}

export function DeleteUpdate({ of: policy, onClose }: ChangeProps) {
  const remove = async () => {
    const { id } = policy
    const answer = await send('delete', '/api/software-updates/{id}', { path: { id } })
    if (answer.ok) {
      forgetTyped(deadlineTyped(id))
      toast({ text: `Update ${id} deleted` })
      go('/console/updates', { replace: true })
      changed('/api/software-updates')
    }
    return answer
  }
  return (
    <AskFirst title="Delete update" deed="Delete update" onYes={remove} onClose={onClose}>
      <p>
        {targetText(policy)} <span class="dim">{policy.id}</span>
      </p>
      <p>{UPDATE_SENTENCES.deleting}</p>
    </AskFirst>
  )
}
