import { useTyped } from '../../place/kept.ts'
import { go, place, withQuery } from '../../place/router.ts'
import { Button } from '../../kit/button.tsx'
import { Choice, Field } from '../../kit/field.tsx'
import { SCOPES } from './text.ts'

const NAMES = ['actor', 'action', 'target', 'since'] as const
const LABELS = {
  actor: 'Person or key',
  action: 'Action or first word',
  target: 'Id of device or thing',
  since: 'Since (UTC)',
} as const
const HINTS = { actor: '', action: 'device.erase', target: '', since: '2026-11-30' }

/** The filters stand in the address: a link shows the same rows. */
export function Filters() {
  const { query } = place.value
  const typed = useTyped<Readonly<Record<string, string>>>('filters of the audit', {})
  const apply = (): void => {
    const words = Object.entries(typed.value).map(([name, text]) => [name, text.trim()])
    go(withQuery({ ...Object.fromEntries(words), cursor: undefined }))
    typed.value = {}
  }
  return (
    <form
      class="audit-filters"
      onSubmit={(event) => {
        event.preventDefault()
      }}
    >
      <Choice
        label="Kind"
        value={query.get('scope') ?? ''}
        of={SCOPES}
        none="All"
        onChoose={(scope) => {
          go(withQuery({ scope, cursor: undefined }))
        }}
      />
      {NAMES.map((name) => (
        <Field
          key={name}
          label={LABELS[name]}
          value={typed.value[name] ?? query.get(name) ?? ''}
          more={{ placeholder: HINTS[name], autocomplete: 'off', spellcheck: false }}
          onInput={(text) => {
            const { [name]: _before, ...others } = typed.value
            typed.value = text === (query.get(name) ?? '') ? others : { ...others, [name]: text }
          }}
        />
      ))}
      <Button type="submit" onClick={apply}>
        Filter
      </Button>
    </form>
  )
}
