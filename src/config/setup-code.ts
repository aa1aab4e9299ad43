import { hash } from 'node:crypto'
import { sameSecret } from '../same-secret.ts'
import { weaknessOf } from './examples.ts'
import { setting, type UncheckedVars } from './vars.ts'

/** The code that claims a new server (docs/claim.md §3). */
export type SetupCode =
  | { readonly kind: 'set'; readonly check: (sent: string) => 'right' | 'wrong' | WeakCode }
  | { readonly kind: 'missing' }
  | WeakCode

/** A code that others may guess. `text` names the setting, and never its value. */
export interface WeakCode {
  readonly kind: 'weak'
  readonly text: string
}

/** SHA-256 in hex. */
const HASH = /^[\da-f]{64}$/i

/**
 * `SETUP_CODE`, or the code whose SHA-256 is `SETUP_CODE_HASH`: the hash is a var that people may see, so it
 * is for generated codes, and how weak its code is shows only when the code comes.
 */
export function readSetupCode(vars: UncheckedVars): SetupCode {
  const code = setting(vars, 'SETUP_CODE')
  const digest = setting(vars, 'SETUP_CODE_HASH')
  if (code !== '') {
    return (
      weak('SETUP_CODE', weaknessOf(code)) ?? {
        kind: 'set',
        check: (sent) => (sameSecret(sent, code) ? 'right' : 'wrong'),
      }
    )
  }
  if (digest === '') {
    return { kind: 'missing' }
  }
  return (
    weak('SETUP_CODE_HASH', HASH.test(digest) ? undefined : 'is no SHA-256 in hex') ?? {
      kind: 'set',
      check: (sent) =>
        sameSecret(hash('sha256', sent, 'hex'), digest.toLowerCase())
          ? (weak('the code of SETUP_CODE_HASH', weaknessOf(sent)) ?? 'right')
          : 'wrong',
    }
  )
}

function weak(name: string, why: string | undefined): WeakCode | undefined {
  return why === undefined
    ? undefined
    : {
        kind: 'weak',
        text: `${name} ${why}, so the server accepts no code: set a random one with \`${SET_CODE}\``,
      }
}

/** The command that sets the code. */
export const SET_CODE = 'npx wrangler secret put SETUP_CODE'
