import { useSignal } from '@preact/signals'
import { Field } from '../../../kit/field.tsx'
import { useTyped } from '../../../place/kept.ts'
import { isEqualJson, type JsonForm } from './fields.ts'

const LINES = 14

/** Names what is no JSON yet, of a form. */
export function jsonTyped(form: string): string {
  return `${form}, as JSON`
}

/** A form's object as JSON. What is typed there comes into the form as soon as it can be read. */
export function JsonText({
  name,
  json,
  onChange,
}: {
  /** Of the form: {@link jsonTyped}. */
  readonly name: string
  readonly json: JsonForm
  readonly onChange: (json: JsonForm) => void
}) {
  const typed = useSignal('')
  const broken = useTyped<string | undefined>(jsonTyped(name), undefined)
  const isBegun = useSignal(broken.value !== undefined)
  const { value: text } = typed
  const shown = isEqualJson(read(text).json, json) ? text : JSON.stringify(json, null, 2)
  return (
    <details class="as-json" open={isBegun.value}>
      <summary>As JSON</summary>
      <Field
        label="JSON"
        lines={LINES}
        isMono
        value={broken.value ?? shown}
        fault={broken.value === undefined ? undefined : read(broken.value).fault}
        more={{ spellcheck: false }}
        onInput={(now) => {
          const found = read(now)
          typed.value = now
          broken.value = found.json ? undefined : now
          if (found.json) {
            onChange(found.json)
          }
        }}
      />
    </details>
  )
}

function read(text: string): { json?: JsonForm; fault?: string } {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? { json: Object.fromEntries(Object.entries(value)) }
      : { fault: 'It is no object of JSON: { … }' }
  } catch {
    return { fault: 'This is no JSON yet: the form keeps what it had' }
  }
}
