import { useSignal } from '@preact/signals'
import { get, send } from '../../../api/call.ts'
import type { Fault } from '../../../api/fault.ts'
import { changed } from '../../../api/read.ts'
import type { Schema } from '../../../api/types.ts'
import { Button } from '../../../kit/button.tsx'
import { Dialog, GiveUp } from '../../../kit/dialog.tsx'
import { Check, Choice, Field } from '../../../kit/field.tsx'
import { FaultNote, Note } from '../../../kit/states.tsx'
import { toast } from '../../../kit/toast.tsx'
import { forgetTyped, useTyped } from '../../../place/kept.ts'
import { faultAt } from '../form/fields.ts'
import { takenFault } from '../form/taken.ts'

type Way = 'keep' | 'generate' | 'password' | 'hash'

const WAYS: readonly (readonly [Way, string])[] = [
  ['generate', 'Another one on each Mac, made there and kept in escrow'],
  ['password', 'The same on all Macs'],
  ['hash', 'The same on all Macs, as a hash of mdmctl'],
]
const KEEP: readonly [Way, string] = ['keep', 'As it is']
const TAKEN = 'A setup user has this id already. Choose another one, or change that user.'
const PLACES = [
  'param.id',
  'json.short_name',
  'json.long_name',
  'json.password',
  'json.password_hash',
]

/** Names what is typed of a setup user; without an id, of a new one. */
export function userTyped(id: string | undefined): string {
  return `setup user ${id ?? ''}`
}

interface Typed {
  readonly id: string
  readonly short_name: string
  readonly long_name: string
  readonly hidden: boolean
  /** The password itself is not kept: {@link Dialog} asks before it is lost. */
  readonly way: Way
}

function beginOf(stored: Schema<'SetupUser'> | undefined): Typed {
  return stored
    ? {
        id: stored.id,
        short_name: stored.short_name,
        long_name: stored.long_name ?? '',
        hidden: stored.hidden,
        way: 'keep',
      }
    : { id: '', short_name: '', long_name: '', hidden: true, way: 'generate' }
}

/** Makes a setup user, or changes one. The server shows no password again, so none is filled in. */
export function UserForm({
  stored,
  onDelete,
  onClose,
}: {
  readonly stored: Schema<'SetupUser'> | undefined
  readonly onDelete: () => void
  readonly onClose: () => void
}) {
  const name = userTyped(stored?.id)
  const typed = useTyped(name, beginOf(stored))
  const secret = useSignal('')
  const fault = useSignal<Fault | undefined>(undefined)
  const { id, way, ...about } = typed.value
  const save = async (): Promise<void> => {
    const body = { ...about, ...passwordIn(way, secret.value) }
    fault.value = await storeUser(id.trim(), body, stored === undefined)
    if (!fault.value) {
      forgetTyped(name)
      onClose()
    }
  }
  const text = (key: 'id' | 'short_name' | 'long_name', label: string, hint: string) => (
    <Field
      label={label}
      value={typed.value[key]}
      isNeeded={key !== 'long_name'}
      hint={hint}
      fault={faultAt(fault.value?.errors ?? [], key === 'id' ? 'param.id' : `json.${key}`)}
      more={{ autocomplete: 'off', spellcheck: false }}
      onInput={(word) => {
        typed.value = { ...typed.value, [key]: word }
      }}
    />
  )
  return (
    <Dialog
      title={stored ? `Change ${stored.id}` : 'New setup user'}
      hasSecret={secret.value !== ''}
      onClose={onClose}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
        }}
      >
        {!stored && text('id', 'Id', 'Blueprints call it so. It cannot be changed.')}
        {text('short_name', 'Name of the account', 'itadmin')}
        {text('long_name', 'Full name', 'It may be left out')}
        <Check
          label="The login window does not show it"
          isOn={about.hidden}
          onChange={(hidden) => {
            typed.value = { ...typed.value, hidden }
          }}
        />
        <Choice
          label="Password"
          value={way}
          of={stored ? [KEEP, ...WAYS] : WAYS}
          onChoose={(word) => {
            const chosen = WAYS.find(([known]) => known === word)?.[0] ?? 'keep'
            typed.value = { ...typed.value, way: chosen }
            secret.value = ''
          }}
        />
        <Secret way={way} secret={secret} fault={fault.value} />
        {fault.value && <FaultNote fault={fault.value} atFields={PLACES} />}
        <div class="actions">
          <Button type="submit" tone="main" onClick={save}>
            Save setup user
          </Button>
          <GiveUp typed={name} onClose={onClose} />
          {stored && <Button onClick={onDelete}>Delete…</Button>}
        </div>
      </form>
    </Dialog>
  )
}

/** @returns what keeps it from being stored */
async function storeUser(
  id: string,
  body: Schema<'PutSetupUserRequest'>,
  isNew: boolean,
): Promise<Fault | undefined> {
  const path = { id }
  const taken = isNew
    ? takenFault(await get('/api/setup-users/{id}', { path }), TAKEN, 'param.id')
    : undefined
  if (taken) {
    return taken
  }
  const answer = await send('put', '/api/setup-users/{id}', { path, body })
  if (!answer.ok) {
    return answer.fault
  }
  toast({ text: `${answer.value.id} is saved: Macs that enrol from now on get it` })
  changed('/api/setup-users')
  return undefined
}

function Secret({
  way,
  secret,
  fault,
}: {
  readonly way: Way
  readonly secret: { value: string }
  readonly fault: Fault | undefined
}) {
  if (way === 'keep' || way === 'generate') {
    return null
  }
  const isHash = way === 'hash'
  const at = isHash ? 'json.password_hash' : 'json.password'
  return (
    <>
      <Field
        label={isHash ? 'Hash in base64' : 'New password'}
        type={isHash ? 'text' : 'password'}
        value={secret.value}
        isNeeded
        isMono={isHash}
        hint={
          isHash
            ? 'The property list with SALTED-SHA512-PBKDF2 that mdmctl makes.'
            : 'Only its hash is kept. It is not shown again.'
        }
        fault={fault?.errors.find((one) => one.at === at)?.detail}
        more={{ autocomplete: 'new-password' }}
        onInput={(text) => {
          secret.value = text
        }}
      />
      <Note tone="warn">
        <p>All Macs with the same password fall together. One for each Mac is safer.</p>
      </Note>
    </>
  )
}

/** Without any of the three the user keeps the password that it has. */
function passwordIn(way: Way, secret: string): Password {
  return {
    generate_password: way === 'generate',
    ...(way === 'password' && { password: secret }),
    ...(way === 'hash' && { password_hash: secret.trim() }),
  }
}

type Password = Pick<
  Schema<'PutSetupUserRequest'>,
  'generate_password' | 'password' | 'password_hash'
>
