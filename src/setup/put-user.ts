import { hashPassword } from '../blueprints/password.ts'
import type { SetupUser } from '../directory/blueprints/users.ts'
import { encodeBase64 } from '../plist/base64.ts'
import { platformCrypto } from './platform-crypto.ts'

/** Longer ones cost time to hash, and macOS takes no such password. */
const MAX_PASSWORD = 500
const MAX_TEXT = 1000

/** How a user gets its password: a hash, a password to hash, or one that each device gets for itself. */
export type GivenPassword =
  | { readonly kind: 'hash'; readonly base64: string }
  | { readonly kind: 'password'; readonly text: string }
  | { readonly kind: 'generate' }

/** Why a user cannot be stored, with the key at fault; `undefined` if it can. */
export function faultOfUser(
  user: Pick<SetupUser, 'uuid' | 'shortName' | 'longName'>,
  password: GivenPassword | undefined,
):
  | { readonly key: 'id' | 'short_name' | 'long_name' | 'password'; readonly detail: string }
  | undefined {
  if (user.uuid.length > 100 || user.uuid.trim() !== user.uuid) {
    return { key: 'id', detail: 'has to have at most 100 characters, without blanks at its ends' }
  }
  if (user.shortName === '' || user.shortName.length > MAX_TEXT) {
    return {
      key: 'short_name',
      detail: 'has to have 1 to 1000 characters: a Mac makes no account without it',
    }
  }
  if (user.longName.length > MAX_TEXT) {
    return { key: 'long_name', detail: 'has to have at most 1000 characters' }
  }
  return password?.kind === 'password' &&
    (password.text === '' || password.text.length > MAX_PASSWORD)
    ? { key: 'password', detail: `has to have 1 to ${MAX_PASSWORD} characters` }
    : undefined
}

/** The values of a user that hold its password. A password is hashed here, and kept nowhere. */
export async function passwordFields(
  given: GivenPassword,
): Promise<Pick<SetupUser, 'generates' | 'passwordHash'>> {
  switch (given.kind) {
    case 'hash':
      return { generates: false, passwordHash: given.base64 }
    case 'generate':
      return { generates: true, passwordHash: '' }
    case 'password': {
      const hash = await hashPassword(given.text, platformCrypto)
      return { generates: false, passwordHash: encodeBase64(hash) }
    }
  }
}
