import { useId } from 'preact/hooks'
import type { TypeKey } from '../../../../command-types/document.ts'
import { newPin } from '../../../composer/pin.ts'
import { Button } from '../../../kit/button.tsx'
import { Copy } from '../../../kit/copy.tsx'
import { Field, Check } from '../../../kit/field.tsx'
import { sentence } from './form-parts.tsx'

/** One of a few, as buttons in a row. */
export function Radios({
  label,
  hint,
  of,
  current,
  onChoose,
}: {
  readonly label: string
  readonly hint?: string | undefined
  readonly of: readonly (readonly [word: string, label: string])[]
  readonly current: string
  readonly onChoose: (word: string) => void
}) {
  const id = useId()
  return (
    <fieldset class="field radios">
      <legend>{label}</legend>
      <div class="views">
        {of.map(([word, text]) => (
          <label key={word}>
            <input
              type="radio"
              name={id}
              checked={word === current}
              onChange={() => {
                onChoose(word)
              }}
            />
            <span>{text}</span>
          </label>
        ))}
      </div>
      {hint !== undefined && <div class="hint">{hint}</div>}
    </fieldset>
  )
}

/** Three ways: a `false` is sent, and no answer is not. */
export function Flag({
  of: { title, description, required, default: initial },
  value,
  onChange,
}: {
  readonly of: TypeKey
  readonly value: boolean | undefined
  readonly onChange: (value: boolean | undefined) => void
}) {
  const otherwise = initial === undefined ? 'Not sent' : `Not sent (${initial ? 'yes' : 'no'})`
  return (
    <Radios
      label={required ? `${title} *` : title}
      hint={sentence(description)}
      of={[
        ['', otherwise],
        ['yes', 'Yes'],
        ['no', 'No'],
      ]}
      current={value === undefined ? '' : value ? 'yes' : 'no'}
      onChoose={(word) => {
        onChange(word === '' ? undefined : word === 'yes')
      }}
    />
  )
}

export function PinField({
  label,
  hint,
  value,
  fault,
  onInput,
}: {
  readonly label: string
  readonly hint: string
  readonly value: string
  readonly fault: string | undefined
  readonly onInput: (text: string) => void
}) {
  return (
    <div class="pin">
      <Field
        label={label}
        hint={hint}
        value={value}
        fault={fault}
        isMono
        more={{ inputMode: 'numeric', maxLength: 6, autocomplete: 'off' }}
        onInput={onInput}
      />
      <div class="actions">
        <Button
          onClick={() => {
            onInput(newPin((bytes) => crypto.getRandomValues(bytes)))
          }}
        >
          New PIN
        </Button>
        <Copy text={value} label="Copy PIN" />
      </div>
    </div>
  )
}

/** A list of which each entry is chosen or not, folded: it may be long. */
export function Checks({
  label,
  hint,
  of: all,
  chosen,
  fault,
  onChange,
}: {
  readonly label: string
  readonly hint: string | undefined
  /** Each with why this device lacks it, if it does. */
  readonly of: readonly (readonly [value: string, why: string | undefined])[]
  readonly chosen: readonly string[]
  readonly fault: string | undefined
  readonly onChange: (chosen: readonly string[]) => void
}) {
  const offered = all.filter(([, why]) => why === undefined).map(([value]) => value)
  const isIn = new Set(chosen)
  return (
    <fieldset class="field queries" aria-invalid={fault !== undefined}>
      <legend>{label}</legend>
      <div class="actions">
        <span>
          {chosen.length} of {offered.length} chosen
        </span>
        <Button
          tone="quiet"
          onClick={() => {
            onChange(offered)
          }}
        >
          Everything
        </Button>
        <Button
          tone="quiet"
          onClick={() => {
            onChange([])
          }}
        >
          Nothing
        </Button>
      </div>
      <details>
        <summary>Choose</summary>
        <div class="columns">
          {all.map(([value, why]) => (
            <Check
              key={value}
              label={
                <>
                  {value} {why !== undefined && <span class="dim">{why}</span>}
                </>
              }
              isOn={isIn.has(value)}
              onChange={(isOn) => {
                onChange(
                  all
                    .map(([name]) => name)
                    .filter((name) => (name === value ? isOn : isIn.has(name))),
                )
              }}
            />
          ))}
        </div>
      </details>
      <div class="hint">{hint}</div>
      <div class="fault">{fault}</div>
    </fieldset>
  )
}
