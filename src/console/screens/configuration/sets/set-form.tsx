import { useSignal } from '@preact/signals'
import { get, send } from '../../../api/call.ts'
import type { Fault } from '../../../api/fault.ts'
import { may } from '../../../api/session.ts'
import { Button, needs } from '../../../kit/button.tsx'
import { Dialog, GiveUp } from '../../../kit/dialog.tsx'
import { Field } from '../../../kit/field.tsx'
import { FaultNote, Note } from '../../../kit/states.tsx'
import { catalogChanged } from '../declarations/deeds.ts'
import { isConflict } from '../declarations/form/draft.ts'
import { forgetTyped, useTyped } from '../../../place/kept.ts'
import { RuleFields } from './rule-fields.tsx'
import { ruleFrom, type SetDraft, setDraftOf, takenBy } from './rule.ts'
import { NAME_TAKEN, SET_MEANWHILE } from './text.ts'

const AT_RULE = 'json.rule.'
const AT_NAME = 'param.id'

/** Names what is typed of a set. */
export function setTyped(id: string): string {
  return `set ${id}`
}

interface SetFormProps {
  readonly begin: SetDraft
  readonly isNew: boolean
  readonly onStored: (id: string) => void
  readonly onClose: () => void
}

/** What is typed, what the API says of it, and what another person has stored meanwhile. */
function useSetForm({ begin, isNew, onStored }: SetFormProps) {
  const name = isNew ? 'new set' : setTyped(begin.id)
  const typed = useTyped(name, { draft: begin, base: begin })
  const meanwhile = useSignal<SetDraft | undefined>(undefined)
  const fault = useSignal<Fault | undefined>(undefined)
  const store = async (): Promise<void> => {
    const { draft, base } = typed.value
    const path = { id: draft.id.trim() }
    const answer = await send('put', '/api/sets/{id}', {
      path,
      query: { if_version: base.version },
      body: { description: draft.description.trim() || null, rule: ruleFrom(draft.rule) },
    })
    const isTaken = !answer.ok && isConflict(answer.fault)
    const there = isTaken ? await get('/api/sets/{id}', { path }) : undefined
    meanwhile.value =
      there?.ok && there.value.version !== base.version ? setDraftOf(there.value) : undefined
    fault.value = answer.ok || meanwhile.value ? undefined : answer.fault
    if (answer.ok) {
      forgetTyped(name)
      catalogChanged()
      onStored(path.id)
    }
  }
  const goOn = (present: SetDraft): void => {
    typed.value = { ...typed.value, base: present }
    meanwhile.value = undefined
  }
  const change = (part: Partial<SetDraft>): void => {
    typed.value = { ...typed.value, draft: { ...typed.value.draft, ...part } }
  }
  return { name, draft: typed.value.draft, change, meanwhile, fault, store, goOn }
}

/**
 * Makes a set, or changes its description and its rule. A set that has the name, or a change of another
 * person, is not overwritten unread.
 */
export function SetForm(props: SetFormProps) {
  const { isNew, onClose } = props
  const { name, draft, change, meanwhile, fault, store, goOn } = useSetForm(props)
  const { id, description, rule } = draft
  const errors = fault.value?.errors ?? []
  const ofRule = errors.filter(({ at }) => at.startsWith(AT_RULE))
  const taken = isNew && meanwhile.value ? NAME_TAKEN : undefined
  return (
    <Dialog title={isNew ? 'New set' : `Change ${id}`} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
        }}
      >
        {isNew && (
          <Field
            label="Name"
            isNeeded
            value={id}
            hint="Such as all-macs. It stays as it is."
            fault={taken ?? errors.find(({ at }) => at === AT_NAME)?.detail}
            more={{ autocomplete: 'off', spellcheck: false, maxLength: 200 }}
            onInput={(text) => {
              change({ id: text })
              meanwhile.value = undefined
            }}
          />
        )}
        <Field
          label="Description"
          value={description}
          more={{ autocomplete: 'off', maxLength: 1000 }}
          onInput={(text) => {
            change({ description: text })
          }}
        />
        <RuleFields
          draft={rule}
          faults={new Map(ofRule.map(({ at, detail }) => [partOf(at), detail]))}
          onChange={(next) => {
            change({ rule: next })
          }}
        />
        {meanwhile.value && !isNew && <Meanwhile is={meanwhile.value} onRead={goOn} />}
        {fault.value && (
          <FaultNote fault={fault.value} atFields={[AT_NAME, ...ofRule.map(({ at }) => at)]} />
        )}
        <div class="actions">
          <Button type="submit" tone="main" why={needs('config', may('config'))} onClick={store}>
            {isNew ? 'Make the set' : 'Store the change'}
          </Button>
          <GiveUp typed={name} onClose={onClose} />
        </div>
      </form>
    </Dialog>
  )
}

function Meanwhile({
  is: present,
  onRead,
}: {
  readonly is: SetDraft
  readonly onRead: (present: SetDraft) => void
}) {
  return (
    <Note tone="warn">
      <p role="alert">{SET_MEANWHILE}</p>
      {present.description !== '' && <p>{present.description}</p>}
      <p>{takenBy(present.stored)}</p>
      <Button
        onClick={() => {
          onRead(present)
        }}
      >
        I have read it: go on with mine
      </Button>
    </Note>
  )
}

/** `json.rule.model.0` is the field `model`. */
function partOf(at: string): string {
  return at.slice(AT_RULE.length).split('.')[0] ?? ''
}
