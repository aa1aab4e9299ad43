import { useSignal } from '@preact/signals'
import { send } from '../../api/call.ts'
import type { Fault } from '../../api/fault.ts'
import { changed } from '../../api/read.ts'
import type { Schema } from '../../api/types.ts'
import { Button } from '../../kit/button.tsx'
import { Dialog, GiveUp, SecretDialog } from '../../kit/dialog.tsx'
import { Check, Field } from '../../kit/field.tsx'
import { FaultNote } from '../../kit/states.tsx'
import { forgetTyped, useTyped } from '../../place/kept.ts'
import { GROUPS, ONCE, topicsOf } from './text.ts'

const AT_URL = 'json.url'
const TYPED = 'new webhook'
const FIRST: { readonly url: string; readonly groups: readonly string[] } = {
  url: '',
  groups: ['micromdm'],
}

/** Adds a webhook, then shows its secret this once. */
export function NewWebhook({ onClose }: { readonly onClose: () => void }) {
  const made = useSignal<Schema<'WebhookWithSecret'> | undefined>(undefined)
  return made.value ? (
    <SecretDialog
      title="Webhook added"
      lead={ONCE}
      secret={made.value.secret}
      copy="Copy secret"
      onClose={onClose}
    />
  ) : (
    <Dialog title="Add webhook" onClose={onClose}>
      <Form
        onClose={onClose}
        onMade={(webhook) => {
          made.value = webhook
          changed('/api/webhooks')
        }}
      />
    </Dialog>
  )
}

function Form({
  onClose,
  onMade,
}: {
  readonly onClose: () => void
  readonly onMade: (webhook: Schema<'WebhookWithSecret'>) => void
}) {
  const typed = useTyped(TYPED, FIRST)
  const { url, groups } = typed.value
  const fault = useSignal<Fault | undefined>(undefined)
  const add = async (): Promise<void> => {
    const answer = await send('post', '/api/webhooks', {
      body: { url: url.trim(), topics: groups.flatMap(topicsOf) },
    })
    if (answer.ok) {
      forgetTyped(TYPED)
      onMade(answer.value)
    } else {
      fault.value = answer.fault
    }
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
      }}
    >
      <Field
        label="Address of the receiver"
        type="url"
        isNeeded
        value={url}
        hint="Events are posted to it. It begins with https:// or http://"
        fault={fault.value?.errors.find(({ at }) => at === AT_URL)?.detail}
        onInput={(word) => {
          typed.value = { ...typed.value, url: word }
        }}
      />
      <fieldset>
        <legend>Topics</legend>
        {Object.entries(GROUPS).map(([group, label]) => (
          <Check
            key={group}
            label={label}
            isOn={groups.includes(group)}
            onChange={(isOn) => {
              const others = groups.filter((other) => other !== group)
              typed.value = { url, groups: isOn ? [...others, group] : others }
            }}
          />
        ))}
      </fieldset>
      {fault.value && <FaultNote fault={fault.value} atFields={[AT_URL]} />}
      <div class="actions">
        <Button type="submit" tone="main" onClick={add}>
          Add webhook
        </Button>
        <GiveUp typed={TYPED} onClose={onClose} />
      </div>
    </form>
  )
}
