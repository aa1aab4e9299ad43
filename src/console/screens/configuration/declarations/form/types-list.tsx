import { useRead } from '../../../../api/read.ts'

export const TYPES_LIST = 'declaration-types'

/** Apple’s types, offered while one types. A newer one can be typed all the same. */
export function TypesList() {
  const { value } = useRead('/api/declaration-types', {}).state.value
  return (
    <datalist id={TYPES_LIST}>
      {value?.items.map(({ type, since }) => (
        <option key={type} value={type}>
          {Object.entries(since)
            .map(([platform, version]) => `${platform} ${version}`)
            .join(', ')}
        </option>
      ))}
    </datalist>
  )
}

/** What the payload of a type may hold, as Apple documents it. */
export function TypeKeys({ type }: { readonly type: string }) {
  const { value } = useRead('/api/declaration-types', {}).state.value
  const found = value?.items.find((one) => one.type === type)
  if (!found) {
    return null
  }
  return (
    <details>
      <summary>Keys of the payload</summary>
      {found.keys === null ? (
        <p>All keys are your own.</p>
      ) : (
        <ul class="payload-keys">
          {found.keys.map(({ key, type: kind, required }) => (
            <li key={key}>
              <code>{key}</code>{' '}
              <span class="dim">
                {kind}
                {required && ', needed'}
              </span>
            </li>
          ))}
        </ul>
      )}
    </details>
  )
}
