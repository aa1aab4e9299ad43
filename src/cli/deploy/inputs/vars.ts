/** The vars of a deployment, read as the Worker will read them. */
import { didYouMean } from '../../../apple/nearest.ts'
import { readConfig } from '../../../config/config.ts'
import { SETTING_NAMES } from '../../../config/known.ts'
import { type RawConfig, SECRET_NAMES } from '../config.ts'
import { DeployStop } from '../failures.ts'

const CORRECT_NAME = 'correct its name in settings.toml (docs/settings.md has all names)'

/** Where these come from is not known here. */
const SECRET = /^(?:API_KEY|SEAL_KEYS)\b/

/** A server with a setting that it cannot read answers 503 to every device. @throws DeployStop */
export function checkVars(vars: Readonly<Record<string, unknown>> = {}): void {
  const result = readConfig(vars)
  const faults = result.ok ? [] : result.problems.filter((problem) => !SECRET.test(problem))
  if (faults.length > 0) {
    throw new DeployStop(
      2,
      `the server would refuse these settings: ${faults.join('; ')}`,
      'correct them in settings.toml (docs/settings.md)',
    )
  }
}

/** @throws DeployStop for a var that nothing reads: it is a typing error, or it belongs elsewhere */
export function refuseUnknownVars(vars: Readonly<Record<string, unknown>> = {}): void {
  const unknown = Object.keys(vars).find((name) => !SETTING_NAMES.includes(name))
  if (unknown !== undefined) {
    throw new DeployStop(
      2,
      `vars.${unknown} in the settings: the server has no such setting${didYouMean(unknown, SETTING_NAMES)}`,
      CORRECT_NAME,
    )
  }
}

/**
 * Wrangler only warns of a key that it does not know. A var without `vars.` would have no effect.
 *
 * @param known the keys that wrangler has. A secret has a refusal of its own
 * @throws DeployStop
 */
export function refuseUnknownKeys(own: RawConfig, known: readonly string[]): void {
  const unknown = Object.keys(own).find(
    (key) => !known.includes(key) && !SECRET_NAMES.includes(key),
  )
  if (unknown !== undefined) {
    const vars = SETTING_NAMES.filter((name) => !SECRET_NAMES.includes(name))
    const meant = didYouMean(unknown, vars, 'vars.') || didYouMean(unknown, known)
    throw new DeployStop(
      2,
      `${unknown} in the settings: wrangler has no such key${meant}`,
      CORRECT_NAME,
    )
  }
}
