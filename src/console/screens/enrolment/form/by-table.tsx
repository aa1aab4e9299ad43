import { useSignal } from '@preact/signals'
import { Check, Choice, Field } from '../../../kit/field.tsx'
import {
  type FieldOf,
  faultAt,
  isEqualJson,
  type JsonForm,
  type PlacedFault,
  readAs,
  shownAs,
  withKey,
} from './fields.ts'

const MOST_LINES = 6
const MOST_OF_JSON = 20

interface FormProps {
  readonly fields: readonly FieldOf[]
  readonly json: JsonForm
  readonly onChange: (json: JsonForm) => void
  /** The place of the object in the body of the request, such as `json.match`. */
  readonly at: string
  readonly faults: readonly PlacedFault[]
}

/** A form over an object of JSON. Keys that it has no field for stay as they are. */
export function ByTable({ fields, json, onChange, at, faults }: FormProps) {
  return (
    <div class="by-table">
      {fields.map((field) => (
        <One
          key={field.key}
          field={field}
          value={json[field.key]}
          fault={faultAt(faults, `${at}.${field.key}`)}
          onChange={(value) => {
            onChange(withKey(json, field.key, value))
          }}
        />
      ))}
    </div>
  )
}

interface OneProps {
  readonly field: FieldOf
  readonly value: unknown
  readonly fault: string | undefined
  readonly onChange: (value: unknown) => void
}

function One(props: OneProps) {
  const { field, value, fault, onChange } = props
  const { as, label, of = [] } = field
  if (as === 'flag') {
    const usual = field.usual ?? false
    return (
      <div>
        <Check
          label={<Labelled {...props} />}
          isOn={typeof value === 'boolean' ? value : usual}
          onChange={(isOn) => {
            onChange(isOn === usual ? undefined : isOn)
          }}
        />
      </div>
    )
  }
  if (as === 'many') {
    return <Many {...props} />
  }
  if (as === 'choice') {
    const word = shownAs(field, value)
    const isKnown = word === '' || of.some(([known]) => known === word)
    return (
      <div>
        <Choice
          label={label}
          value={word}
          of={isKnown ? of : [...of, [word, word]]}
          {...(field.none !== undefined && { none: field.none })}
          onChoose={onChange}
        />
        {fault !== undefined && <p class="bad">{fault}</p>}
      </div>
    )
  }
  return <Typed {...props} />
}

function Labelled({ field: { label, hint }, fault }: OneProps) {
  return (
    <>
      {label} {hint !== undefined && <span class="dim">{hint}</span>}
      {fault !== undefined && <span class="bad"> {fault}</span>}
    </>
  )
}

/** What is typed stays as it is, as long as it means the value. */
function Typed({ field, value, fault, onChange }: OneProps) {
  const typed = useSignal('')
  const text = isEqualJson(readAs(field, typed.value), value) ? typed.value : shownAs(field, value)
  const { as, label, hint, isNeeded = false } = field
  const lines = Math.min(as === 'json' ? MOST_OF_JSON : MOST_LINES, text.split('\n').length + 1)
  return (
    <Field
      label={label}
      value={text}
      fault={fault}
      hint={hint}
      isNeeded={isNeeded}
      isMono={as === 'json'}
      {...((as === 'list' || as === 'json') && { lines })}
      more={{ autocomplete: 'off', spellcheck: false }}
      onInput={(now) => {
        typed.value = now
        onChange(readAs(field, now))
      }}
    />
  )
}

function Many({ field, value, fault, onChange }: OneProps) {
  const chosen: readonly unknown[] = Array.isArray(value) ? value : []
  return (
    <fieldset class="plain">
      <legend>{field.label}</legend>
      <div class="words">
        {(field.of ?? []).map(([word, label]) => (
          <Check
            key={word}
            label={label}
            isOn={chosen.includes(word)}
            onChange={(isOn) => {
              onChange(isOn ? [...chosen, word] : chosen.filter((other) => other !== word))
            }}
          />
        ))}
      </div>
      {field.hint !== undefined && <p class="hint">{field.hint}</p>}
      {fault !== undefined && <p class="bad">{fault}</p>}
    </fieldset>
  )
}
