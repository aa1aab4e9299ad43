import type { PasswordCrypto } from '../blueprints/password.ts'

/** The cryptography and the randomness of the platform. */
export const platformCrypto: PasswordCrypto = {
  subtle: crypto.subtle,
  random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
}
