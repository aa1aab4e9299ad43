import { useSignal } from '@preact/signals'
import { send } from '../../api/call.ts'
import type { Fault } from '../../api/fault.ts'
import { changed } from '../../api/read.ts'
import { accessState, may, type Scope } from '../../api/session.ts'
import { Button, needs } from '../../kit/button.tsx'
import { Dialog, GiveUp, SecretDialog } from '../../kit/dialog.tsx'
import { Check, Choice, Field } from '../../kit/field.tsx'
import { FaultNote, Note } from '../../kit/states.tsx'
import { toast } from '../../kit/toast.tsx'
import { forgetTyped, useTyped } from '../../place/kept.ts'
import { ENDS, PERSON_HINT, SCOPE_WORDS, SCOPES, SHOWN_ONCE } from './text.ts'

/** Makes a key, and shows it once. A person of Cloudflare Access needs none. */
export function NewKey({ onClose }: { readonly onClose: () => void }) {
  const made = useSignal<{ readonly name: string; readonly key: string } | undefined>(undefined)
  return made.value ? (
    <SecretDialog
      title={`The key ${made.value.name}`}
      lead={SHOWN_ONCE}
      secret={made.value.key}
      copy="Copy the key"
      onClose={onClose}
    />
  ) : (
    <Dialog title="New key" onClose={onClose}>
      <Form
        onMade={(key) => {
          made.value = key
        }}
        onClose={onClose}
      />
    </Dialog>
  )
}

const FOR = [
  ['name', 'a program, or a person with a key'],
  ['email', 'a person of Cloudflare Access'],
] as const

const TYPED = 'new key'
const FIRST: {
  readonly kind: string
  readonly name: string
  readonly end: string
  readonly scopes: readonly Scope[]
} = { kind: 'name', name: '', end: '365d', scopes: ['read'] }

function Form({
  onMade,
  onClose,
}: {
  readonly onMade: (key: { readonly name: string; readonly key: string }) => void
  readonly onClose: () => void
}) {
  const typed = useTyped(TYPED, FIRST)
  const { kind, name, end, scopes } = typed.value
  const type = (part: Partial<typeof FIRST>): void => {
    typed.value = { ...typed.value, ...part }
  }
  const fault = useSignal<Fault | undefined>(undefined)
  const isPerson = kind === 'email'
  const at = `json.${kind}`
  const store = async (): Promise<void> => {
    const rest = { scopes: [...scopes], expires_in: end }
    const answer = isPerson
      ? await send('post', '/api/keys/people', { body: { email: name, ...rest } })
      : await send('post', '/api/keys', { body: { name, ...rest } })
    changed('/api/keys')
    if (!answer.ok) {
      fault.value = answer.fault
      return
    }
    forgetTyped(TYPED)
    if ('key' in answer.value && typeof answer.value.key === 'string') {
      onMade({ name: answer.value.name, key: answer.value.key })
    } else {
      toast({ text: `${answer.value.name} may sign in with Cloudflare Access now` })
      onClose()
    }
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
      }}
    >
      {fault.value && <FaultNote fault={fault.value} atFields={[at]} />}
      {accessState.value && (
        <Choice
          label="For"
          value={kind}
          of={FOR}
          onChoose={(value) => {
            type({ kind: value })
            fault.value = undefined
          }}
        />
      )}
      <Field
        label={isPerson ? 'E-mail address' : 'Name'}
        value={name}
        isNeeded
        fault={fault.value?.errors.find((one) => one.at === at)?.detail}
        hint={isPerson ? PERSON_HINT : 'What it is for. The audit shows it.'}
        more={{ autocomplete: 'off', maxLength: isPerson ? 254 : 100 }}
        onInput={(text) => {
          type({ name: text })
        }}
      />
      <Scopes
        chosen={scopes}
        onChange={(chosen) => {
          type({ scopes: chosen })
        }}
      />
      <Choice
        label="Ends"
        value={end}
        of={ENDS}
        onChoose={(value) => {
          type({ end: value })
        }}
      />
      {end === 'never' && (
        <Note tone="warn">
          <p>It opens the server until somebody revokes it: note who does that, and when.</p>
        </Note>
      )}
      <div class="actions">
        <Button type="submit" tone="main" why={needs('admin', may('admin'))} onClick={store}>
          {isPerson ? 'Add the person' : 'Make the key'}
        </Button>
        <GiveUp typed={TYPED} onClose={onClose} />
      </div>
    </form>
  )
}

/** A key gives only the rights that it has. */
function Scopes({
  chosen,
  onChange,
}: {
  readonly chosen: readonly Scope[]
  readonly onChange: (chosen: readonly Scope[]) => void
}) {
  return (
    <fieldset class="plain">
      <legend>It may</legend>
      {SCOPES.filter(may).map((scope) => (
        <Check
          key={scope}
          isOn={chosen.includes(scope)}
          label={
            <>
              <code>{scope}</code> <span class="dim">{SCOPE_WORDS[scope]}</span>
            </>
          }
          onChange={(isOn) => {
            const others = chosen.filter((one) => one !== scope)
            onChange(isOn ? [...others, scope] : others)
          }}
        />
      ))}
    </fieldset>
  )
}
