import { useSignal } from '@preact/signals'
import { send } from '../../../api/call.ts'
import { AskFirst } from '../../../kit/dialog.tsx'
import type { Fault } from '../../../api/fault.ts'
import { changed, useRead } from '../../../api/read.ts'
import { may } from '../../../api/session.ts'
import { Button, needs } from '../../../kit/button.tsx'
import { Section } from '../../../kit/facts.tsx'
import { FaultNote, Note, Shown } from '../../../kit/states.tsx'
import { toast } from '../../../kit/toast.tsx'
import { forgetTyped, useTyped } from '../../../place/kept.ts'
import { go, place, type ScreenProps } from '../../../place/router.ts'
import { useTitle } from '../../../place/title.ts'
import { ByTable } from '../form/by-table.tsx'
import { isEqualJson, type JsonForm, type PlacedFault, placesAt, withKey } from '../form/fields.ts'
import { jsonTyped, JsonText } from '../form/json-text.tsx'
import {
  editedBlueprint,
  formIn,
  MATCH_FIELDS_OF_DEVICE,
  placesOf,
  SETTING_FIELDS,
  stepsIn,
} from './fields.ts'
import { BlueprintSteps } from './steps.tsx'

const HERE = '/console/blueprints'
const FIRST: JsonForm = { name: '', release: 'always', reenroll: 'same', match: {}, steps: [] }

/** One blueprint, as a form and as JSON. */
export default function Blueprint({ names: { id = '' } }: ScreenProps) {
  return place.value.query.get('new') === null ? (
    <Stored id={id} />
  ) : (
    <Editor key={id} id={id} stored={undefined} version={0} />
  )
}

function Stored({ id }: { readonly id: string }) {
  const read = useRead('/api/blueprints/{id}', { path: { id } })
  useTitle(read.state.value.value?.name)
  return (
    <Shown read={read}>
      {(blueprint) => (
        <Editor key={id} id={id} stored={editedBlueprint(blueprint)} version={blueprint.version} />
      )}
    </Shown>
  )
}

interface EditorProps {
  readonly id: string
  readonly stored: JsonForm | undefined
  /** Of what is stored; 0 for a new one. A change that this page has not shown is not overwritten. */
  readonly version: number
}

function typedName(id: string): string {
  return `blueprint ${id}`
}

/** A blueprint as it is edited. The server checks all of it, and names each place. */
function useBlueprint({ id, stored, version }: EditorProps) {
  // The id of a new one is made at each beginning.
  const name = stored ? typedName(id) : 'new blueprint'
  const edited = useTyped<{ json: JsonForm; from: JsonForm | undefined } | undefined>(
    name,
    undefined,
  )
  const fault = useSignal<Fault | undefined>(undefined)
  const warnings = useSignal<readonly string[]>([])
  const json = edited.value?.json ?? stored ?? FIRST
  const discard = (): void => {
    edited.value = undefined
    fault.value = undefined
    forgetTyped(jsonTyped(name))
  }
  const save = async (): Promise<void> => {
    const path = { id }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the server judges what was typed
    const body = json as unknown as PutBlueprint
    const answer = await send('put', '/api/blueprints/{id}', {
      path,
      query: { if_version: version },
      body,
    })
    fault.value = answer.ok ? undefined : answer.fault
    if (fault.value?.code === 'conflict') {
      changed('/api/blueprints')
    }
    if (answer.ok) {
      discard()
      warnings.value = answer.value.warnings
      toast({ text: `${answer.value.name} is saved: devices that enrol from now on get it` })
      changed('/api/blueprints')
      go(`${HERE}/${encodeURIComponent(id)}`, { replace: true })
    }
  }
  return {
    name,
    json,
    fault: fault.value,
    warnings: warnings.value,
    isEdited: edited.value !== undefined && !isEqualJson(json, stored),
    isOld: edited.value !== undefined && !isEqualJson(edited.value.from, stored),
    save,
    edit: (now: JsonForm): void => {
      const from = edited.value ? edited.value.from : stored
      edited.value = isEqualJson(now, from ?? FIRST) ? undefined : { json: now, from }
    },
    discard,
  }
}

type PutBlueprint = NonNullable<Parameters<typeof send<'put', '/api/blueprints/{id}'>>[2]['body']>

function Editor(props: EditorProps) {
  const { id, stored } = props
  const { name, json, fault, warnings, isEdited, isOld, save, edit, discard } = useBlueprint(props)
  const faults = fault?.errors ?? []
  const why = needs('config', may('config'))
  const put = (key: string) => (value: unknown) => {
    edit({ ...json, [key]: value })
  }
  return (
    <>
      <p class="back">
        <a href={HERE}>‹ Blueprints</a>
      </p>
      <header class="bar">
        <h1>
          <bdi>{stored ? String(stored['name']) : 'New blueprint'}</bdi>
        </h1>
        {stored && <Removal id={id} name={String(stored['name'])} why={why} />}
      </header>
      {isOld && (
        <Note tone="warn">
          <p>It was changed meanwhile. Saving puts yours in its place.</p>
          <Button onClick={discard}>Take the new one</Button>
        </Note>
      )}
      {warnings.map((text) => (
        <Note key={text} tone="warn">
          <p>{text}</p>
        </Note>
      ))}
      <ByTable fields={SETTING_FIELDS} json={json} at="json" faults={faults} onChange={edit} />
      <Section title="Which devices">
        <p class="dim">
          All conditions that are given have to hold. Without one, all devices get the blueprint.
        </p>
        <ByTable
          fields={MATCH_FIELDS_OF_DEVICE}
          json={formIn(json, 'match')}
          at="json.match"
          faults={faults}
          onChange={put('match')}
        />
        <OnOff json={json} onChange={edit} />
      </Section>
      <BlueprintSteps steps={stepsIn(json)} faults={faults} onChange={put('steps')} />
      <JsonText name={name} json={json} onChange={edit} />
      {fault && <FaultNote fault={fault} atFields={shownPlaces(json, faults)} />}
      {faults.length > 0 && <p class="bad">The places that are at fault are marked above.</p>}
      <div class="actions">
        <Button
          tone="main"
          why={why ?? (isEdited || !stored ? undefined : 'Nothing is changed')}
          onClick={save}
        >
          Save blueprint
        </Button>
        {isEdited && <Button onClick={discard}>Discard changes</Button>}
        <a href={`${HERE}?tab=preview`}>What would a device get?</a>
      </div>
    </>
  )
}

/** The places that show their faults: of fields, and of steps as a whole. */
function shownPlaces(json: JsonForm, faults: readonly PlacedFault[]): string[] {
  return [
    ...placesAt(faults, placesOf(json)),
    ...stepsIn(json).map((_step, n) => `json.steps.${n}`),
  ]
}

/** MicroMDM's `apply_at`: without `Enroll` no device gets the blueprint. */
function OnOff({
  json,
  onChange,
}: {
  readonly json: JsonForm
  readonly onChange: (json: JsonForm) => void
}) {
  const { apply_at: at } = json
  const isOn = !Array.isArray(at) || at.includes('Enroll')
  return isOn ? null : (
    <Note tone="warn">
      <p>No device gets it: its apply_at lacks Enroll.</p>
      <Button
        onClick={() => {
          onChange(withKey(json, 'apply_at', ['Enroll']))
        }}
      >
        Let devices get it
      </Button>
    </Note>
  )
}

function Removal({
  id,
  name,
  why,
}: {
  readonly id: string
  readonly name: string
  readonly why: string | undefined
}) {
  const isAsking = useSignal(false)
  return (
    <>
      <Button
        tone="danger"
        why={why}
        onClick={() => {
          isAsking.value = true
        }}
      >
        Delete blueprint…
      </Button>
      {isAsking.value && (
        <AskFirst
          title={`Delete ${name}`}
          deed="Delete blueprint"
          why={why}
          onYes={async () => {
            const answer = await send('delete', '/api/blueprints/{id}', { path: { id } })
            if (answer.ok) {
              forgetTyped(typedName(id))
              forgetTyped(jsonTyped(typedName(id)))
              toast({ text: `${name} is deleted` })
              changed('/api/blueprints')
              go(HERE, { replace: true })
            }
            return answer
          }}
          onClose={() => {
            isAsking.value = false
          }}
        >
          <p>Devices that enrol from now on do not get it. Setups that have begun go on with it.</p>
        </AskFirst>
      )}
    </>
  )
}
