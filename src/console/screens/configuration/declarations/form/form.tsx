import { useComputed, useSignal, type ReadonlySignal } from '@preact/signals'
import { send } from '../../../../api/call.ts'
import type { Fault } from '../../../../api/fault.ts'
import { may } from '../../../../api/session.ts'
import type { Schema } from '../../../../api/types.ts'
import { Button, needs } from '../../../../kit/button.tsx'
import { Check, Field } from '../../../../kit/field.tsx'
import { FaultNote } from '../../../../kit/states.tsx'
import { toast } from '../../../../kit/toast.tsx'
import { forgetTyped, useTyped } from '../../../../place/kept.ts'
import {
  bodyFrom,
  type DeclarationDraft,
  declarationTyped,
  type FieldFaults,
  faultsOf,
  isConflict,
  mayBeForced,
  withText,
} from './draft.ts'
import { Meanwhile } from './meanwhile.tsx'
import { PayloadField } from './payload-field.tsx'
import { DeclarationPreview } from './preview.tsx'
import { SetChoice } from './set-choice.tsx'
import { FORCE, STEPS_HINT } from '../text.ts'
import { TypeKeys, TypesList, TYPES_LIST } from './types-list.tsx'

type Stored = Schema<'StoredDeclaration'>

interface FormProps {
  readonly begin: DeclarationDraft
  /** The version that the form began with; 0 for a new declaration. */
  readonly version: number
  /** The version that is there now, as far as it is known. */
  readonly present?: number
  readonly onStored: (id: string) => void
  readonly onCancel: () => void
}

/**
 * The form of a declaration. Before it is stored, a dry run says who gets it. A change of another person
 * meanwhile is never overwritten: the API compares versions.
 */
export function DeclarationForm({ begin, version, present, onStored, onCancel }: FormProps) {
  const isNew = version === 0
  const { name, draft, base, fault, noJson, shown, change, rebase, put, look } = useForm(
    begin,
    version,
  )
  const store = async (): Promise<void> => {
    const stored = await put({})
    if (stored) {
      forgetTyped(name)
      toast({ text: storedWords(stored) })
      onStored(stored.id)
    }
  }
  const faults = faultsOf(fault.value)
  const why = needs('config', may('config'))
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault()
      }}
    >
      <Fields draft={draft} isNew={isNew} faults={faults} noJson={noJson.value} onChange={change} />
      {mayBeForced(fault.value) && (
        <Check
          label={FORCE}
          isOn={draft.value.isForced}
          onChange={(isForced) => {
            change({ ...draft.value, isForced })
          }}
        />
      )}
      {isConflict(fault.value) || (present !== undefined && present !== base) ? (
        <Meanwhile
          id={draft.value.id.trim()}
          known={base}
          onTaken={(taken) => {
            rebase(taken)
            fault.value = undefined
          }}
        />
      ) : (
        fault.value && <FaultNote fault={fault.value} atFields={faults.places} />
      )}
      {shown.value && <DeclarationPreview of={shown.value} onNext={look} />}
      <div class="actions send">
        {shown.value && (
          <Button tone="main" why={why} onClick={store}>
            {isNew ? 'Store declaration' : 'Store the change'}
          </Button>
        )}
        <Button
          type="submit"
          tone={shown.value ? 'plain' : 'main'}
          why={why}
          onClick={() => look()}
        >
          Who gets it?
        </Button>
        <Button
          onClick={() => {
            forgetTyped(name)
            onCancel()
          }}
        >
          Cancel
        </Button>
      </div>
    </form>
  )
}

/** What is typed, what the API says of it, and the ways to ask it. */
function useForm(begin: DeclarationDraft, version: number) {
  const name = version === 0 ? `new declaration ${begin.type}` : declarationTyped(begin.id)
  const typed = useTyped(name, { draft: begin, version })
  const draft = useComputed(() => typed.value.draft)
  const base = typed.value.version
  const fault = useSignal<Fault | undefined>(undefined)
  const noJson = useSignal<string | undefined>(undefined)
  const shown = useSignal<Stored | undefined>(undefined)
  const change = (next: DeclarationDraft): void => {
    typed.value = { ...typed.value, draft: next }
    shown.value = undefined
    noJson.value = undefined
  }
  const rebase = (taken: number): void => {
    typed.value = { ...typed.value, version: taken }
  }
  /** @returns what the API answers; `undefined` if the text cannot be sent or the API refuses it */
  const put = async (query: {
    readonly dry_run?: boolean
    readonly cursor?: string
  }): Promise<Stored | undefined> => {
    const { id, isForced } = draft.value
    const made = bodyFrom(draft.value, version === 0)
    noJson.value = 'fault' in made ? made.fault : undefined
    if ('fault' in made) {
      return undefined
    }
    const answer = await send('put', '/api/declarations/{id}', {
      path: { id: id.trim() },
      query: { ...query, limit: PREVIEWED, force: isForced, if_version: typed.value.version },
      body: made.body,
    })
    fault.value = answer.ok ? undefined : answer.fault
    return answer.ok ? answer.value : undefined
  }
  const look = async (cursor?: string): Promise<void> => {
    shown.value = (await put({ dry_run: true, ...(cursor && { cursor }) })) ?? shown.value
  }
  return { name, draft, base, fault, noJson, shown, change, rebase, put, look }
}

/** The API asks the object of each device, so its pages are short. */
const PREVIEWED = 40

function Fields({
  draft: { value: draft },
  isNew,
  faults,
  noJson,
  onChange,
}: {
  readonly draft: ReadonlySignal<DeclarationDraft>
  readonly isNew: boolean
  readonly faults: FieldFaults
  readonly noJson: string | undefined
  readonly onChange: (draft: DeclarationDraft) => void
}) {
  return (
    <>
      {isNew && (
        <>
          <Field
            label="Type"
            isNeeded
            value={draft.type}
            fault={faults.type}
            more={{ list: TYPES_LIST, autocomplete: 'off', spellcheck: false }}
            hint="Apple’s Type: com.apple.configuration…, .activation…, .asset… or .management…"
            onInput={(type) => {
              onChange({ ...draft, type })
            }}
          />
          <TypesList />
          <Field
            label="Identifier"
            isNeeded
            value={draft.id}
            fault={faults.id}
            more={{ autocomplete: 'off', spellcheck: false, placeholder: 'com.example.passcode' }}
            hint="Your own name for it. It stays as it is."
            onInput={(id) => {
              onChange({ ...draft, id })
            }}
          />
        </>
      )}
      <TypeKeys type={draft.type} />
      <PayloadField
        text={draft.text}
        fault={noJson}
        faults={faults.payload}
        onInput={(text) => {
          onChange(withText(draft, text, isNew))
        }}
      />
      {isNew && (
        <SetChoice
          chosen={draft.sets}
          onChange={(sets) => {
            onChange({ ...draft, sets })
          }}
        />
      )}
      <Steps draft={draft} faults={faults} onChange={onChange} />
    </>
  )
}

function Steps({
  draft,
  faults,
  onChange,
}: {
  readonly draft: DeclarationDraft
  readonly faults: FieldFaults
  readonly onChange: (draft: DeclarationDraft) => void
}) {
  const field = (name: 'steps' | 'minutes' | 'share', label: string, hint: string) => (
    <Field
      label={label}
      value={draft[name]}
      hint={hint}
      fault={faults[name]}
      more={{ inputMode: name === 'steps' ? 'text' : 'decimal', autocomplete: 'off' }}
      onInput={(text) => {
        onChange({ ...draft, [name]: text })
      }}
    />
  )
  return (
    <>
      <Check
        label="Roll it out in steps"
        isOn={draft.isStaged}
        onChange={(isStaged) => {
          onChange({ ...draft, isStaged })
        }}
      />
      {draft.isStaged && (
        <div class="columns">
          {field('steps', 'Steps', STEPS_HINT)}
          {field('minutes', 'Minutes between steps', '')}
          {field('share', 'Stop at failures, in percent', 'Of the devices that have reported.')}
        </div>
      )}
    </>
  )
}

function storedWords({ id, version, changed }: Stored): string {
  return changed ? `${id} is stored as version ${version ?? 1}.` : `${id} has this content already.`
}
