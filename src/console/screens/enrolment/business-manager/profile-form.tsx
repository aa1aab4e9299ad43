import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { get, send } from '../../../api/call.ts'
import type { Fault } from '../../../api/fault.ts'
import { changed } from '../../../api/read.ts'
import { may } from '../../../api/session.ts'
import { Button, needs } from '../../../kit/button.tsx'
import { Section } from '../../../kit/facts.tsx'
import { Check, Field } from '../../../kit/field.tsx'
import { FaultNote, Note } from '../../../kit/states.tsx'
import { toast } from '../../../kit/toast.tsx'
import { forgetTyped, useTyped } from '../../../place/kept.ts'
import { counted } from '../../../time/words.ts'
import { ByTable } from '../form/by-table.tsx'
import { faultAt, isEqualJson, type JsonForm, placesAt } from '../form/fields.ts'
import { jsonTyped, JsonText } from '../form/json-text.tsx'
import {
  ADDRESS_FIELDS,
  FLAG_FIELDS,
  panesOf,
  paneWords,
  PROFILE_PLACES,
  skippedIn,
  TEXT_FIELDS,
  withSkipped,
} from './profile-fields.ts'

/** What most organisations want of a new profile. */
const FIRST: JsonForm = {
  url: '',
  await_device_configured: true,
  is_supervised: true,
  is_mdm_removable: false,
  skip_setup_items: 'all',
}

interface ProfileProps {
  readonly account: string
  /** Of a profile that exists. */
  readonly name: string | undefined
  readonly stored: JsonForm | undefined
  /** Of what is stored; 0 for a new one. A change that this page has not shown is not overwritten. */
  readonly version: number
  readonly onClose: () => void
}

interface Typed {
  readonly title: string
  readonly json: JsonForm
  /** What was stored when the typing began. */
  readonly from: JsonForm | undefined
}

/** A profile as it is edited, and what the server says of it. */
function useProfile({ account, name, stored, version, onClose }: ProfileProps) {
  const first = useSignal(FIRST)
  const kept = `enrolment profile ${account} ${name ?? ''}`
  const typed = useTyped<Typed | undefined>(kept, undefined)
  const { title, json, from } = typed.value ?? {
    title: name ?? '',
    json: stored ?? first.value,
    from: stored,
  }
  const fault = useSignal<Fault | undefined>(undefined)
  useEffect(() => {
    if (!stored && may('enroll')) {
      void get('/api/enrollment', {}).then((answer) => {
        if (answer.ok) {
          const withUrl = (form: JsonForm): JsonForm =>
            form['url'] === '' ? { ...form, url: answer.value.profile_url } : form
          first.value = withUrl(first.value)
          typed.value = typed.value && { ...typed.value, json: withUrl(typed.value.json) }
        }
      })
    }
  }, [])
  const discard = (): void => {
    typed.value = undefined
    forgetTyped(jsonTyped(kept))
  }
  const close = (): void => {
    discard()
    onClose()
  }
  const save = async (): Promise<void> => {
    const id = title.trim()
    const answer = await send('put', '/api/dep/profiles/{id}', {
      path: { id },
      query: { account, if_version: version },
      body: { profile: { ...json } },
    })
    fault.value = answer.ok ? undefined : movedFault(answer.fault, version)
    if (answer.ok) {
      const { warnings, replaced_on: count } = answer.value
      const onto =
        count > 0 ? `: ${counted(count, 'device')} get it in place of the earlier one` : ''
      toast({ text: [`The profile ${id} is defined${onto}`, ...warnings].join('. ') })
      changed('/api/dep/')
      close()
    }
  }
  return {
    kept,
    json,
    title,
    fault: fault.value,
    isOld: !isEqualJson(from, stored),
    save,
    edit: (more: Partial<Typed>): void => {
      const next = { title, json, from, ...more }
      const begun = { title: name ?? '', json: from ?? first.value, from }
      typed.value = isEqualJson(next, begun) ? undefined : next
    },
    discard,
    close,
  }
}

/** One enrolment profile: its fields, and the same as JSON. */
export function ProfileForm(props: ProfileProps) {
  const { name } = props
  const { kept, json, title, fault, isOld, save, edit, discard, close } = useProfile(props)
  const faults = fault?.errors ?? []
  const onChange = (next: JsonForm): void => {
    edit({ json: next })
  }
  const table = { json, at: 'json.profile', faults, onChange }
  return (
    <form
      class="profile-form"
      onSubmit={(event) => {
        event.preventDefault()
      }}
    >
      <h2>{name === undefined ? 'New enrolment profile' : `Enrolment profile ${name}`}</h2>
      {isOld && (
        <Note tone="warn">
          <p>It was changed meanwhile. Saving puts yours in its place.</p>
          <Button onClick={discard}>Take the new one</Button>
        </Note>
      )}
      {name === undefined && (
        <Field
          label="Name"
          value={title}
          isNeeded
          hint="Rules and blueprints call it so. It cannot be changed."
          fault={faultAt(faults, 'param.id')}
          more={{ autocomplete: 'off', maxLength: 125 }}
          onInput={(text) => {
            edit({ title: text })
          }}
        />
      )}
      <ByTable fields={ADDRESS_FIELDS} {...table} />
      <Section title="Setup">
        <ByTable fields={FLAG_FIELDS} {...table} />
      </Section>
      <Skipped json={json} onChange={onChange} />
      <Section title="What the user sees">
        <ByTable fields={TEXT_FIELDS} {...table} />
      </Section>
      <JsonText name={kept} json={json} onChange={onChange} />
      {fault && <FaultNote fault={fault} atFields={placesAt(faults, PROFILE_PLACES)} />}
      <p class="dim">
        Devices that have the earlier content get this one. A device that has fetched its profile
        uses it until it is erased.
      </p>
      <div class="actions">
        <Button
          type="submit"
          tone="main"
          why={needs('config', may('config')) ?? (title.trim() === '' ? NAMELESS : undefined)}
          onClick={save}
        >
          Define profile
        </Button>
        <Button onClick={close}>Cancel</Button>
      </div>
    </form>
  )
}

const NAMELESS = 'Give it a name'
const TAKEN = 'A profile has this name already. Choose another one, or change that profile.'

/** A profile has the name of a new one, or a stored one was changed: then it is read again. */
function movedFault(fault: Fault, version: number): Fault {
  if (fault.code !== 'conflict') {
    return fault
  }
  if (version === 0) {
    return { ...fault, detail: TAKEN, errors: [{ at: 'param.id', detail: TAKEN }] }
  }
  changed('/api/dep/')
  return fault
}

/** The panes of Setup Assistant as a checklist. */
function Skipped({
  json,
  onChange,
}: {
  readonly json: JsonForm
  readonly onChange: (json: JsonForm) => void
}) {
  const skipped = skippedIn(json)
  const panes = panesOf(json)
  const isAll = panes.every((pane) => skipped.includes(pane))
  return (
    <Section title={`Skipped panes: ${isAll ? 'all' : skipped.length}`}>
      <Check
        label="All that the server knows"
        isOn={isAll}
        onChange={(isOn) => {
          onChange(withSkipped(json, isOn ? panes : []))
        }}
      />
      <details>
        <summary>Choose panes</summary>
        <div class="words">
          {panes.map((pane) => (
            <Check
              key={pane}
              label={paneWords(pane)}
              isOn={skipped.includes(pane)}
              onChange={(isOn) => {
                const others = skipped.filter((other) => other !== pane)
                onChange(withSkipped(json, isOn ? [...others, pane] : others))
              }}
            />
          ))}
        </div>
      </details>
    </Section>
  )
}
