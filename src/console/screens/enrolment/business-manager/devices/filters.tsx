import type { Schema } from '../../../../api/types.ts'
import { Button } from '../../../../kit/button.tsx'
import { Check, Choice, Field } from '../../../../kit/field.tsx'
import { useTyped } from '../../../../place/kept.ts'
import { go, place, withQuery } from '../../../../place/router.ts'
import { STATUS_WORDS } from '../text.ts'

/** The words of the address that narrow the list. */
export const FILTERS = ['serial', 'model', 'family', 'status', 'of', 'unenrolled', 'gone', 'cursor']

const FAMILIES = ['Mac', 'iPhone', 'iPad', 'AppleTV', 'Watch', 'Vision'].map(
  (name) => [name, name] as const,
)
const STATES = Object.entries(STATUS_WORDS).map(([word, [, label]]) => [word, label] as const)

/** Which devices the list shows: its state is the address. */
export function DeviceFilters({
  profiles,
}: {
  readonly profiles: readonly Schema<'DepProfile'>[]
}) {
  const { query } = place.value
  const typed = useTyped<{ readonly serial?: string; readonly model?: string }>(
    'filters of devices at Apple',
    {},
  )
  const { serial = query.get('serial') ?? '', model = query.get('model') ?? '' } = typed.value
  return (
    <form
      class="abm-filters"
      role="search"
      onSubmit={(event) => {
        event.preventDefault()
        to({ serial: serial.trim().toUpperCase(), model: model.trim() })
        typed.value = {}
      }}
    >
      <Field
        label="Serial number"
        type="search"
        value={serial}
        more={{ autocomplete: 'off', spellcheck: false, placeholder: 'C02…' }}
        onInput={(text) => {
          typed.value = { ...typed.value, serial: text }
        }}
      />
      <Field
        label="Model"
        type="search"
        value={model}
        more={{ autocomplete: 'off', spellcheck: false, placeholder: 'a part of it' }}
        onInput={(text) => {
          typed.value = { ...typed.value, model: text }
        }}
      />
      <Pick label="Family" name="family" of={FAMILIES} />
      <Pick label="State" name="status" of={STATES} />
      <Pick
        label="Profile"
        name="of"
        of={profiles.map(({ uuid, name }) => [uuid, name] as const)}
      />
      <div class="boxes">
        <Box label="Not enrolled" name="unenrolled" />
        <Box label="Those that left too" name="gone" />
      </div>
      <Button type="submit">Search</Button>
    </form>
  )
}

function to(words: Readonly<Record<string, string | undefined>>): void {
  go(withQuery({ ...words, cursor: undefined }), { replace: true })
}

interface Part {
  readonly label: string
  readonly name: string
}

function Pick({ label, name, of }: Part & { readonly of: readonly (readonly [string, string])[] }) {
  return (
    <Choice
      label={label}
      value={place.value.query.get(name) ?? ''}
      of={of}
      none="All"
      onChoose={(word) => {
        to({ [name]: word })
      }}
    />
  )
}

function Box({ label, name }: Part) {
  return (
    <Check
      label={label}
      isOn={place.value.query.get(name) !== null}
      onChange={(isOn) => {
        to({ [name]: isOn ? '1' : undefined })
      }}
    />
  )
}
