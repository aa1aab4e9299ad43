import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { send } from '../../../api/call.ts'
import type { Fault } from '../../../api/fault.ts'
import { changed, useRead } from '../../../api/read.ts'
import { may } from '../../../api/session.ts'
import type { Schema } from '../../../api/types.ts'
import { Button, needs } from '../../../kit/button.tsx'
import { Section } from '../../../kit/facts.tsx'
import { Choice } from '../../../kit/field.tsx'
import { Empty, FaultNote, Note, Shown } from '../../../kit/states.tsx'
import { toast } from '../../../kit/toast.tsx'
import { useTyped } from '../../../place/kept.ts'
import { after } from '../../../time/clock.ts'
import { counted } from '../../../time/words.ts'
import { ByTable } from '../form/by-table.tsx'
import { faultAt, isEqualJson, placesAt } from '../form/fields.ts'
import { Ordered } from '../form/ordered.tsx'
import { ruleDraftOf, MATCH_FIELDS, type RuleDraft, ruleTitle, unfinished } from './rule-draft.ts'
import { Confirm } from './standing.tsx'
import { ASSIGNS } from './text.ts'

type Preview = Schema<'DepPreview'>

/** A pause in typing after which the devices are counted. */
const PAUSE = 400

/** The rules that decide which profile a device gets. */
export function Rules({ account }: { readonly account: Schema<'DepAccountDetail'> }) {
  const { id } = account
  const read = useRead('/api/dep/accounts/{id}/rules', { path: { id } })
  const profiles = useRead('/api/dep/profiles', { query: { account: id } })
  return (
    <Section title="Rules in their order">
      <p>
        The first rule that matches a device decides. The rules change {ASSIGNS[account.assigns]}.
      </p>
      <Shown read={read}>
        {({ rules, preview }) => (
          <Editor
            id={id}
            stored={rules.map(ruleDraftOf)}
            preview={preview}
            profiles={profiles.state.value.value?.items ?? []}
            mayConfirm={account.assigns === 'own'}
          />
        )}
      </Shown>
    </Section>
  )
}

interface EditorProps {
  readonly id: string
  readonly stored: readonly RuleDraft[]
  readonly preview: Preview
  readonly profiles: readonly Schema<'DepProfile'>[]
  readonly mayConfirm: boolean
}

/** The rules as they are edited, and what the server says of them. */
function useDraft({ id, stored, preview }: EditorProps) {
  const edited = useTyped<{ rules: readonly RuleDraft[]; from: string } | undefined>(
    `rules ${id}`,
    undefined,
  )
  const counts = useSignal<Preview | undefined>(undefined)
  const fault = useSignal<Fault | undefined>(undefined)
  const rules = edited.value?.rules ?? stored
  const isReady = edited.value !== undefined && unfinished(rules).length === 0
  const text = JSON.stringify(rules)
  const put = (isDry: boolean) =>
    send('put', '/api/dep/accounts/{id}/rules', {
      path: { id },
      query: { dry_run: isDry },
      body: { rules: rules.map((rule) => ({ ...rule, match: { ...rule.match } })) },
    })
  useEffect(() => {
    fault.value = undefined
    if (!isReady || !may('config')) {
      counts.value = undefined
      return undefined
    }
    let isCurrent = true
    const end = after(PAUSE, () => {
      void put(true).then((answer) => {
        if (isCurrent) {
          counts.value = answer.ok ? answer.value.preview : undefined
          fault.value = answer.ok ? undefined : answer.fault
        }
      })
    })
    return () => {
      isCurrent = false
      end()
    }
  }, [text, isReady])
  const save = async (): Promise<void> => {
    const answer = await put(false)
    if (answer.ok) {
      edited.value = undefined
      toast({ text: 'The rules are saved: devices get their profiles soon' })
      changed('/api/dep/')
    } else {
      fault.value = answer.fault
    }
  }
  return {
    rules,
    fault: fault.value,
    preview: edited.value ? counts.value : preview,
    isEdited: edited.value !== undefined && !isEqualJson(rules, stored),
    isOld: edited.value !== undefined && edited.value.from !== JSON.stringify(stored),
    save,
    edit: (now: readonly RuleDraft[]): void => {
      const from = edited.value?.from ?? JSON.stringify(stored)
      edited.value = JSON.stringify(now) === from ? undefined : { rules: now, from }
    },
    discard: (): void => {
      edited.value = undefined
    },
  }
}

function Editor(props: EditorProps) {
  const { id, profiles } = props
  const { rules, fault, preview, isEdited, isOld, save, edit, discard } = useDraft(props)
  const faults = [...(isEdited ? unfinished(rules) : []), ...(fault?.errors ?? [])]
  const places = rules.map((_rule, n) => `json.rules.${n}`)
  const lacks = needs('config', may('config'))
  const missing = unfinished(rules).length > 0 ? 'A rule has no profile' : undefined
  return (
    <>
      {isOld && (
        <Note tone="warn">
          <p>The rules were changed meanwhile. Saving puts yours in their place.</p>
          <Button onClick={discard}>Take the new ones</Button>
        </Note>
      )}
      {rules.length === 0 && (
        <Empty title="No rule">
          <p>No device gets a profile by itself. A rule without conditions is for all devices.</p>
        </Empty>
      )}
      <Ordered
        items={rules}
        titleOf={(rule, n) => (
          <>
            <bdi>{ruleTitle(rule)}</bdi>{' '}
            {preview?.rules[n] !== undefined && (
              <span class="count">{counted(preview.rules[n], 'device')}</span>
            )}
          </>
        )}
        onChange={edit}
      >
        {(rule, change, n) => (
          <>
            <Choice
              label="Gets the profile"
              value={rule.profile}
              none="Choose a profile"
              of={namesWith(profiles, rule.profile)}
              onChoose={(profile) => {
                change({ ...rule, profile })
              }}
            />
            <p class="bad">{ownFault(faults, n)}</p>
            <details open={Object.keys(rule.match).length > 0}>
              <summary>Conditions: all that are given have to hold</summary>
              <ByTable
                fields={MATCH_FIELDS}
                json={rule.match}
                at={`json.rules.${n}.match`}
                faults={faults}
                onChange={(match) => {
                  change({ ...rule, match })
                }}
              />
            </details>
          </>
        )}
      </Ordered>
      {fault && <FaultNote fault={fault} atFields={placesAt(fault.errors, places)} />}
      {preview && <Effect of={preview} id={id} mayConfirm={props.mayConfirm} />}
      <div class="actions">
        <Button
          onClick={() => {
            edit([...rules, { match: {}, profile: profiles[0]?.name ?? '' }])
          }}
        >
          Add rule
        </Button>
        <Button tone="main" why={lacks ?? missing ?? (isEdited ? undefined : SAME)} onClick={save}>
          Save rules
        </Button>
        {isEdited && <Button onClick={discard}>Discard changes</Button>}
      </div>
    </>
  )
}

const SAME = 'Nothing is changed'

/** What is wrong with a rule as a whole, or with its profile. */
function ownFault(faults: readonly { at: string; detail: string }[], n: number) {
  const at = `json.rules.${n}`
  return faults.find((one) => one.at === at)?.detail ?? faultAt(faults, `${at}.profile`)
}

function namesWith(profiles: EditorProps['profiles'], present: string) {
  const names = profiles.map(({ name }) => name)
  const isKnown = present === '' || names.includes(present)
  return (isKnown ? names : [...names, present]).map((name) => [name, name] as const)
}

function Effect({
  of: { assign, foreign },
  id,
  mayConfirm,
}: {
  readonly of: Preview
  readonly id: string
  readonly mayConfirm: boolean
}) {
  return (
    <Note>
      <p role="status">
        {assign === 0 ? 'No device' : counted(assign, 'device')} would get another profile now.
      </p>
      {foreign > 0 && (
        <>
          <p>
            {counted(foreign, 'device has', 'devices have')} a profile that this server did not
            define.
          </p>
          {mayConfirm && <Confirm of={{ id }} />}
        </>
      )}
    </Note>
  )
}
