import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'

interface InputDetails {
  readonly autofocus?: boolean
  readonly autocomplete?: string
  readonly maxLength?: number
  readonly spellcheck?: boolean
  readonly placeholder?: string
  readonly inputMode?: 'numeric' | 'decimal' | 'text'
  /** The id of a `datalist`: what may be meant. */
  readonly list?: string
}

interface FieldProps {
  readonly label: string
  readonly value: string
  readonly onInput: (value: string) => void
  readonly hint?: ComponentChildren
  /** What is wrong with the value, beside the field. */
  readonly fault?: string | undefined
  readonly type?: 'text' | 'password' | 'search' | 'url' | 'datetime-local'
  readonly lines?: number
  readonly isNeeded?: boolean
  readonly isMono?: boolean
  readonly more?: InputDetails
}

/** One line, or several, of text with its label, its hint and its fault. */
export function Field({ label, value, onInput, hint, fault, type = 'text', ...rest }: FieldProps) {
  const id = useId()
  const described = `${id}-hint ${id}-fault`
  const shared = {
    id,
    value,
    required: rest.isNeeded ?? false,
    'aria-describedby': described,
    'aria-invalid': fault !== undefined,
    class: rest.isMono ? 'mono' : '',
  }
  return (
    <div class="field">
      <label for={id}>
        {label}
        {rest.isNeeded && <span aria-hidden="true"> *</span>}
      </label>
      {rest.lines === undefined ? (
        <input
          {...shared}
          {...rest.more}
          // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Preact has a type for each
          {...({ type } as { type: 'text' })}
          onInput={(event) => {
            onInput(event.currentTarget.value)
          }}
        />
      ) : (
        <textarea
          {...shared}
          rows={rest.lines}
          onInput={(event) => {
            onInput(event.currentTarget.value)
          }}
        />
      )}
      <div class="hint" id={`${id}-hint`}>
        {hint}
      </div>
      <div class="fault" id={`${id}-fault`}>
        {fault}
      </div>
    </div>
  )
}

/** One of a few words. An empty `value` is the choice that `none` names. */
export function Choice({
  label,
  value,
  of,
  none,
  onChoose,
}: {
  readonly label: string
  readonly value: string
  readonly of: readonly (readonly [value: string, label: string])[]
  readonly none?: string
  readonly onChoose: (value: string) => void
}) {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={value}
        onChange={(event) => {
          onChoose(event.currentTarget.value)
        }}
      >
        {none !== undefined && <option value="">{none}</option>}
        {of.map(([word, text]) => (
          <option key={word} value={word}>
            {text}
          </option>
        ))}
      </select>
    </div>
  )
}

/** Takes a file that is dropped on what is in it. */
export function DropArea({
  isField = true,
  onFile,
  children,
}: {
  /** Whether it stands for a field of a form. */
  readonly isField?: boolean
  readonly onFile: (file: File | undefined) => unknown
  readonly children: ComponentChildren
}) {
  const isOver = useSignal(false)
  return (
    <div
      class={`${isField ? 'field ' : ''}file ${isOver.value ? 'over' : ''}`}
      onDragOver={(event) => {
        event.preventDefault()
        isOver.value = true
      }}
      onDragLeave={() => {
        isOver.value = false
      }}
      onDrop={(event) => {
        event.preventDefault()
        isOver.value = false
        onFile(event.dataTransfer?.files[0])
      }}
    >
      {children}
    </div>
  )
}

export function Check({
  label,
  isOn,
  onChange,
}: {
  readonly label: ComponentChildren
  readonly isOn: boolean
  readonly onChange: (isOn: boolean) => void
}) {
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={isOn}
        onChange={(event) => {
          onChange(event.currentTarget.checked)
        }}
      />{' '}
      <span>{label}</span>
    </label>
  )
}
