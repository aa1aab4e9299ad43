/** Where the Worker's secrets come from. A server with data never gets new keys: they would open nothing. */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { createSealer } from '../../../pki/seal/seal.ts'
import { CliError, faultOfFile, messageOf } from '../../error.ts'
import type { Environment } from '../../settings.ts'
import { DeployStop } from '../failures.ts'

export type Secrets = Readonly<Record<string, string>>

const REQUIRED = ['API_KEY', 'SEAL_KEYS']
const OPTIONAL = ['SETUP_CODE']

export interface SecretFacts {
  /** What the Worker has: names. */
  readonly present: readonly string[]
  /** Whether a database of an earlier deployment may hold sealed values. */
  readonly hasData: boolean
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
  readonly made: boolean
}

/** @throws DeployStop when keys are missing that cannot be made */
export function chooseSecrets(facts: SecretFacts, make: () => Secrets): SecretChoice {
  const { present, stored, given, ci } = facts
  const missing = REQUIRED.filter((name) => !present.includes(name))
  if (ci) {
    return ciSecrets(missing, ci)
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
    return { known, upload, keep: stored === undefined, made: false }
  }
  if (missing.length === 0 || facts.hasData) {
    throw new DeployStop(
      3,
      missing.length === 0
        ? 'this Worker is deployed, and its keys are not on this machine'
        : 'the database has data that other keys have sealed, and they are not on this machine',
      `copy ${facts.file} from the machine that deployed it, or give the keys with --secrets FILE`,
    )
  }
  const fresh = make()
  return { known: fresh, upload: fresh, keep: true, made: true }
}

function ciSecrets(missing: readonly string[], ci: Secrets): SecretChoice {
  const absent = missing.filter((name) => ci[name] === undefined)
  if (absent.length > 0) {
    throw new DeployStop(
      2,
      `the Worker has no ${absent.join(' and no ')}, and the environment has none`,
      `set ${absent.join(' and ')} as secrets of the CI. A seal key that CI made would be lost: ` +
        '`echo "k1:$(openssl rand -base64 32)"` makes one to keep',
    )
  }
  checkSecrets(ci, Object.keys(ci))
  return { known: ci, upload: ci, keep: false, made: false }
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
      throw new DeployStop(2, messageOf(error), 'mend SEAL_KEYS (docs/settings.md)')
    }
  }
}

export function makeSecrets(): Secrets {
  return {
    API_KEY: randomBytes(24).toString('base64url'),
    SEAL_KEYS: `k1:${randomBytes(32).toString('base64')}`,
  }
}

export function secretsInEnvironment(env: Environment): Secrets {
  return Object.fromEntries(
    [...REQUIRED, ...OPTIONAL].flatMap((name) => {
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
      [...REQUIRED, ...OPTIONAL].flatMap((name) => {
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
