/** Passwords of accounts that Setup Assistant makes (docs/blueprints.md). */
import { asDict, dictAt } from '../plist/dict.ts'
import { tryToRead } from '../plist/error.ts'
import { readPlist } from '../plist/read.ts'
import { writePlist } from '../plist/write.ts'

const KIND = 'SALTED-SHA512-PBKDF2'
const KEY_BYTES = 128
const SALT_BYTES = 32
/** Apple names 20,000 to 40,000 where they are not calibrated ("AccountConfiguration", `passwordHash`). */
const LEAST_ITERATIONS = 20_000
const ITERATIONS_RANGE = 20_000

/** The platform's cryptography. */
export interface PasswordCrypto {
  readonly subtle: Pick<SubtleCrypto, 'importKey' | 'deriveBits'>
  readonly random: (bytes: number) => Uint8Array
}

/**
 * The hash of a password as macOS takes it: an XML plist with `entropy`, `salt` and `iterations`, which is
 * PBKDF2 with HMAC-SHA512 over UTF-8.
 */
export async function hashPassword(
  password: string,
  { subtle, random }: PasswordCrypto,
): Promise<Uint8Array> {
  const [high = 0, low = 0] = random(2)
  const salt = random(SALT_BYTES)
  const iterations = LEAST_ITERATIONS + ((high * 256 + low) % ITERATIONS_RANGE)
  const entropy = await pbkdf2(password, { subtle, salt, iterations })
  return writePlist({ [KIND]: { entropy, iterations, salt } })
}

/** 128 bytes of PBKDF2-HMAC-SHA512 (RFC 8018 §5.2). */
export async function pbkdf2(
  password: string,
  {
    subtle,
    salt,
    iterations,
  }: Pick<PasswordCrypto, 'subtle'> & { readonly salt: Uint8Array; readonly iterations: number },
): Promise<Uint8Array> {
  const bytes = new TextEncoder().encode(password)
  const key = await subtle.importKey('raw', bytes, 'PBKDF2', false, ['deriveBits'])
  const algorithm = { name: 'PBKDF2', hash: 'SHA-512', salt, iterations }
  return new Uint8Array(await subtle.deriveBits(algorithm, key, KEY_BYTES * 8))
}

/** Whether the bytes are a hash that macOS can take. */
export function isPasswordHash(bytes: Uint8Array): boolean {
  const plist = tryToRead(() => asDict(readPlist(bytes)))
  const { entropy, salt, iterations } = (plist && dictAt(plist, KIND)) ?? {}
  return (
    entropy instanceof Uint8Array &&
    entropy.length === KEY_BYTES &&
    salt instanceof Uint8Array &&
    salt.length > 0 &&
    typeof iterations === 'number' &&
    iterations > 0
  )
}

/** Sixteen consonants that look alike with no digit and no other letter. */
const LETTERS = 'bcdfghjkmnprtvwz'
const DIGITS = '23456789'

/**
 * A random password of 76 bits, easy to read and to type: `Ktwm-rhfp-vzdn-cbjk-4829`. It has a capital
 * letter, small letters, digits and a sign, as password policies ask.
 */
export function newPassword(random: PasswordCrypto['random']): string {
  const letters = [...random(16)].map((byte) => LETTERS.charAt(byte % 16)).join('')
  const digits = [...random(4)].map((byte) => DIGITS.charAt(byte % 8)).join('')
  const text = letters.charAt(0).toUpperCase() + letters.slice(1) + digits
  return (text.match(/.{4}/g) ?? []).join('-')
}
