/** Where the Worker's secrets come from. A server with data never gets new keys: they would open nothing. */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { newApiKey } from '../../api-key.ts'
import { weaknessOf } from '../../../config/examples.ts'
import { createSealer } from '../../../pki/seal/seal.ts'
import { CliError, faultOfFile, messageOf } from '../../error.ts'
import type { Environment } from '../../settings.ts'
import { DeployStop } from '../failures.ts'
import type { ClaimFound } from './claim.ts'

export type Secrets = Readonly<Record<string, string>>

const REQUIRED = ['API_KEY', 'SEAL_KEYS']
const SETUP = 'SETUP_CODE'

export interface SecretFacts {
  /** What the Worker has: names. */
  readonly present: readonly string[]
  /** Whether a database of an earlier deployment may hold sealed values. */
  readonly hasData: boolean
  readonly server: ClaimFound['server']
  /** What the folder keeps. */
  readonly stored: Secrets | undefined
  /** What `--secrets FILE` has. */
  readonly given: Secrets | undefined
  /** What CI's environment has; undefined outside of CI. */
  readonly ci: Secrets | undefined
  /** The file that keeps them. */
  readonly file: string
}

export interface SecretChoice {
  /** What is known here; the Worker may have more. */
  readonly known: Secrets
  /** What the deploy sets; empty for nothing. */
  readonly upload: Secrets
  /** Whether the file is to be written first. */
  readonly keep: boolean
  readonly from: 'made' | 'kept' | 'given' | 'environment'
  /** The server will have no keys: it waits for its claim. */
  readonly waits: boolean
}

const NOTHING: SecretChoice = { known: {}, upload: {}, keep: false, from: 'kept', waits: false }

/** @throws DeployStop when keys are missing that cannot be made */
export function chooseSecrets(facts: SecretFacts, make: () => Secrets): SecretChoice {
  const { present, stored, given, ci, server } = facts
  const missing = REQUIRED.filter((name) => !present.includes(name))
  if (ci) {
    return ciSecrets(missing, ci, server)
  }
  const clash = stored && given && REQUIRED.find((name) => given[name] !== stored[name])
  if (clash) {
    throw new DeployStop(
      3,
      `--secrets has another ${clash} than ${facts.file}`,
      'leave --secrets out, or move that file away if it is wrong',
    )
  }
  const known = stored ?? given
  if (known) {
    checkSecrets(known, REQUIRED)
    const upload = missing.length > 0 ? known : {}
    const from = stored ? 'kept' : 'given'
    return { ...NOTHING, known, upload, keep: stored === undefined, from }
  }
  if (missing.length > 0 && server === 'claimed') {
    return NOTHING
  }
  const mayBeSealed = facts.hasData && server !== 'unclaimed'
  if (missing.length === 0 || mayBeSealed) {
    throw new DeployStop(
      3,
      missing.length === 0
        ? 'this Worker is deployed, and its keys are not on this machine'
        : 'the database has data that other keys have sealed, and they are not on this machine',
      `copy ${facts.file} from the machine that deployed it, or give the keys with --secrets FILE`,
    )
  }
  const fresh = make()
  return { ...NOTHING, known: fresh, upload: fresh, keep: true, from: 'made' }
}

/** A server without both keys is claimed by its first page. One with half of them answers to no one. */
function ciSecrets(
  missing: readonly string[],
  { [SETUP]: code, ...keys }: Secrets,
  server: ClaimFound['server'],
): SecretChoice {
  checkSecrets(keys, Object.keys(keys))
  const absent = missing.filter((name) => keys[name] === undefined)
  if (absent.length === 0 || server === 'claimed') {
    return { ...NOTHING, from: 'environment', known: keys, upload: keys }
  }
  if (absent.length < REQUIRED.length) {
    throw new DeployStop(
      2,
      `the Worker has no ${absent.join(' and no ')}, and the environment has none`,
      `set ${absent.join(' and ')} as secrets of the CI. A seal key that CI made would be lost: ` +
        '`echo "k1:$(openssl rand -base64 32)"` makes one to keep',
    )
  }
  const fault = code ? weaknessOf(code) : undefined
  if (fault !== undefined) {
    throw new DeployStop(2, `SETUP_CODE ${fault}`, 'set another one as a secret of the CI')
  }
  return { ...NOTHING, from: 'environment', upload: code ? { [SETUP]: code } : {}, waits: true }
}

/** An empty secret counts as set for wrangler, and the server would answer 503 to everything. */
function checkSecrets(secrets: Secrets, names: readonly string[]): void {
  const empty = names.find((name) => !secrets[name]?.trim())
  if (empty !== undefined) {
    throw new DeployStop(2, `${empty} is empty`, `give ${empty} a value`)
  }
  if (secrets['SEAL_KEYS'] !== undefined) {
    try {
      createSealer(secrets['SEAL_KEYS'])
    } catch (error) {
      throw new DeployStop(2, messageOf(error), 'correct SEAL_KEYS (docs/settings.md)')
    }
  }
}

export function makeSecrets(): Secrets {
  return {
    API_KEY: newApiKey(),
    SEAL_KEYS: `k1:${randomBytes(32).toString('base64')}`,
  }
}

export function secretsInEnvironment(env: Environment): Secrets {
  return Object.fromEntries(
    [...REQUIRED, SETUP].flatMap((name) => {
      const value = env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

/**
 * A file of secrets: JSON, or lines `NAME=value` as in `.dev.vars`. Other names in it are left out.
 *
 * @returns undefined when there is no file
 * @throws CliError when it cannot be read
 */
export function readSecrets(file: string): Secrets | undefined {
  if (!existsSync(file)) {
    return undefined
  }
  try {
    const text = readFileSync(file, 'utf8').trim()
    const all: Readonly<Record<string, unknown>> = text.startsWith('{')
      ? JSON.parse(text)
      : Object.fromEntries(
          [...text.matchAll(/^\s*(\w+)\s*=\s*(["']?)(.*?)\2\s*$/gm)].map(([, name, , value]) => [
            name,
            value,
          ]),
        )
    return Object.fromEntries(
      REQUIRED.flatMap((name) => {
        const value = all[name]
        return typeof value === 'string' ? [[name, value]] : []
      }),
    )
  } catch (error) {
    // The message of a parser quotes what it cannot read.
    const fault = error instanceof SyntaxError ? 'it is no JSON' : faultOfFile(error)
    throw new CliError(`${file}: ${fault}`)
  }
}
