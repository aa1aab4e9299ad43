/** A key as the API lists it. */
export interface ListedKey {
  readonly id: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly state: 'active' | 'expired'
  readonly current: boolean
  readonly old_secret_until: string | null
  readonly expires_at: string | null
  readonly last_used: { readonly day: string } | null
}

/** A key as the call that makes it shows it, once. */
export interface ShownKey extends ListedKey {
  readonly key: string
  readonly warning: string | null
}

/** One line for each key. */
export function keyLines(keys: readonly ListedKey[]): readonly string[] {
  if (keys.length === 0) {
    return ['There is no key beside API_KEY: make one with `npm run keys -- create`.']
  }
  const width = Math.max(...keys.map(({ name }) => name.length))
  return keys.map((key) =>
    [
      key.id,
      key.name.padEnd(width),
      key.state === 'expired' ? 'expired' : 'until',
      key.expires_at?.slice(0, 10) ?? 'revoked',
      key.last_used ? `used ${key.last_used.day}` : 'never used',
      key.scopes.join(','),
      key.current ? '(this one)' : '',
    ]
      .join('  ')
      .trimEnd(),
  )
}
