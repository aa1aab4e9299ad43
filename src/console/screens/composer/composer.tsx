import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import { isOffline } from '../../api/connection.ts'
import { may } from '../../api/session.ts'
import type { TypeDocument } from '../../../command-types/document.ts'
import type { Path } from '../../composer/draft.ts'
import type { DeviceFacts } from '../../composer/facts.ts'
import { putAt } from '../../composer/fill.ts'
import { withFollowing } from '../../composer/presets.ts'
import { commandStanding } from '../../composer/standing.ts'
import { warningsOf } from '../../composer/warnings.ts'
import { Badge } from '../../kit/badge.tsx'
import { Button, needs } from '../../kit/button.tsx'
import { FaultNote, Note } from '../../kit/states.tsx'
import { KEY_NAMES } from '../../place/keyboard.ts'
import { Segments } from '../command/segments.tsx'
import { Confirm } from './confirm.tsx'
import { Fields } from './fields/fields.tsx'
import { draftIn, type FormState } from './form-state.ts'
import { CurlPanel, JsonPanel, TimesFields } from './panels.tsx'
import { isAskedFirst, mayForce, useSending, wifiWarnings, type ComposerTarget } from './sending.ts'
import { FORCE_HINT, NOT_IN_FORM } from './text.ts'

interface ComposerProps {
  readonly type: TypeDocument
  readonly form: FormState
  readonly target: ComposerTarget
  /** More of the form, below the keys. */
  readonly children?: ComponentChildren
}

const PANELS = [
  ['form', 'Form'],
  ['json', 'JSON'],
  ['curl', 'as curl'],
] as const

/** The form of a command, and what becomes of it when it is sent. */
export function Composer({ type, form, target, children }: ComposerProps) {
  const { facts, kept, deed } = target
  const { fault, faults, isAsking, forgetFault, begin, send } = useSending(type, form, target)
  const warnings = warningsOf(type.request_type, facts, { kept, draft: form.draft.value })
  const scope = type.destructive ? 'destructive' : 'command'
  const why = isOffline.value ? 'No connection' : needs(scope, may(scope))
  const pin = form.draft.value['PIN']
  useSendKeys()
  return (
    <form
      class="composer"
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
      }}
    >
      <Intro type={type} facts={facts} warnings={warnings} />
      <Segments
        label="How to write the command"
        of={PANELS}
        current={form.panel.value}
        onChoose={(panel) => {
          form.panel.value = panel
          if (form.text.value !== undefined && draftIn(type, form.text.value)) {
            form.text.value = undefined
          }
        }}
      />
      {fault.value && <FaultNote fault={fault.value} />}
      {fault.value && mayForce(fault.value) && (
        <Note tone="warn">
          <p>{FORCE_HINT}</p>
          <Button onClick={() => send(true)}>Send all the same</Button>
        </Note>
      )}
      {form.panel.value === 'json' && <JsonPanel type={type} form={form} />}
      {form.panel.value === 'curl' && <CurlPanel type={type} form={form} target={target} />}
      {form.panel.value === 'form' && (
        <FormPanel
          type={type}
          form={form}
          facts={facts}
          faults={faults.value}
          onChange={forgetFault}
        />
      )}
      {children}
      <div class="send actions">
        <Button
          type="submit"
          tone={type.destructive ? 'danger' : 'main'}
          keys={`${KEY_NAMES.mod} Enter`}
          why={why}
          onClick={begin}
        >
          {isAskedFirst(type, target) ? `${deed}…` : deed}
        </Button>
      </div>
      {isAsking.value && (
        <Confirm
          type={type}
          deed={deed}
          target={target}
          pin={typeof pin === 'string' && form.text.value === undefined ? pin : undefined}
          warnings={[...warnings, ...wifiWarnings(type, form), ...(target.remarks ?? [])]}
          onSend={() => send()}
          onClose={() => {
            isAsking.value = false
          }}
        />
      )}
    </form>
  )
}

/** As the button does, wherever the focus is but in a dialog. The button may be busy, or lack a scope. */
function useSendKeys(): void {
  useEffect(() => {
    const sendByKeys = (event: KeyboardEvent): void => {
      const { key, ctrlKey, metaKey, target } = event
      const isElsewhere = target instanceof Element && target.closest('dialog') !== null
      if (key === 'Enter' && (ctrlKey || metaKey) && !isElsewhere) {
        event.preventDefault()
        document.querySelector<HTMLElement>('.composer .send .button')?.click()
      }
    }
    document.addEventListener('keydown', sendByKeys)
    return () => {
      document.removeEventListener('keydown', sendByKeys)
    }
  }, [])
}

/**
 * Who chose a command types next, and letters beside a field are shortcuts. The function is the same at each
 * drawing, so it is called as the form appears, and not again.
 */
function focusFirst(keys: HTMLElement | null): void {
  // Between the form and its JSON the focus stays.
  if (!document.activeElement?.closest('.composer')) {
    keys?.querySelector<HTMLElement>(FIRST_FIELD)?.focus()
  }
}

/** A field that stands open at the top of the form: the focus opens nothing, and does not scroll. */
const FIRST_FIELD = ':scope > :first-child :is(input:not([type=file]), select, textarea)'

function Intro({
  type,
  facts,
  warnings,
}: {
  readonly type: TypeDocument
  readonly facts: DeviceFacts
  readonly warnings: readonly string[]
}) {
  const standing = commandStanding(type, facts)
  const remark = standing.kind === 'lacking' ? standing.why : standing.remark
  return (
    <>
      <p class="lead">
        {type.description} {type.destructive && <Badge tone="bad">Destructive</Badge>}
      </p>
      {type.loses !== null && !type.destructive && (
        <Note tone="warn">What is lost: {type.loses}</Note>
      )}
      {remark !== undefined && (
        <Note tone="warn">
          {standing.kind === 'lacking' ? `Not for this device: ${remark}. ${FORCE_HINT}` : remark}
        </Note>
      )}
      {warnings.map((text) => (
        <Note key={text} tone="warn">
          {text}
        </Note>
      ))}
    </>
  )
}

function FormPanel({
  type,
  form,
  facts,
  faults,
  onChange,
}: {
  readonly type: TypeDocument
  readonly form: FormState
  readonly facts: DeviceFacts
  readonly faults: ReadonlyMap<string, string>
  readonly onChange: (path: Path) => void
}) {
  if (form.text.value !== undefined) {
    return <Note tone="warn">{NOT_IN_FORM}</Note>
  }
  return (
    <div class="keys" ref={focusFirst}>
      <Fields
        keys={type.keys}
        path={[]}
        form={{
          draft: form.draft.value,
          facts,
          faults,
          put: (path, value) => {
            onChange(path)
            form.isTouched.value = true
            form.draft.value = withFollowing(
              type.request_type,
              putAt(form.draft.value, path, value),
            )
          },
        }}
      />
      <TimesFields
        times={form.times.value}
        faults={faults}
        onChange={(times) => {
          form.isTouched.value = true
          form.times.value = times
        }}
      />
    </div>
  )
}
