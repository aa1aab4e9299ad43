import type { Context } from './context.ts'

/** Where an admin's id leads: here, or to the device whose user channel it names (micromdm-contract §5.6). */
export type Elsewhere =
  | { readonly kind: 'moved'; readonly device: string; readonly user: string }
  /** The bare UserID has channels on several devices. */
  | { readonly kind: 'ambiguous'; readonly ids: readonly string[] }

/** Who owns this object's name, if it is a bare UserID. A device with an identity never is one. */
export function elsewhere(context: Context): Elsewhere | undefined {
  if (context.state.identities.length > 0 || context.state.device.schema === 0) {
    return undefined
  }
  const aliases = context.db.all<{ owner: string; user: string }>('SELECT owner, user FROM aliases')
  const [only] = aliases
  if (!only) {
    return undefined
  }
  return aliases.length === 1
    ? { kind: 'moved', device: only.owner, user: only.user }
    : { kind: 'ambiguous', ids: aliases.map(({ owner, user }) => `${owner}:${user}`) }
}
