import { useSignal } from '@preact/signals'
import { Field } from '../../../kit/field.tsx'
import { isEqualJson, type JsonForm } from './fields.ts'

const LINES = 14

/** A form's object as JSON. What is typed there comes into the form as soon as it can be read. */
export function JsonText({
  json,
  onChange,
}: {
  readonly json: JsonForm
  readonly onChange: (json: JsonForm) => void
}) {
  const typed = useSignal('')
  const fault = useSignal<string | undefined>(undefined)
  const isKept = fault.value !== undefined || isEqualJson(read(typed.value).json, json)
  return (
    <details class="as-json">
      <summary>As JSON</summary>
      <Field
        label="JSON"
        lines={LINES}
        isMono
        value={isKept ? typed.value : JSON.stringify(json, null, 2)}
        fault={fault.value}
        more={{ spellcheck: false }}
        onInput={(text) => {
          typed.value = text
          const found = read(text)
          fault.value = found.fault
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
