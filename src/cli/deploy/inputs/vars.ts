/** The vars of a deployment, read as the Worker will read them. */
import { readConfig } from '../../../config/config.ts'
import { DeployStop } from '../failures.ts'

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
      'mend them in settings.toml (docs/settings.md)',
    )
  }
}
