/**
 * The settings as the runtime gives them: every var and secret is optional until it has been checked.
 */
export type UncheckedVars = Readonly<Record<string, unknown>>

/** MicroMDM's names for settings that this server has too. */
const ALIASES: Readonly<Record<string, string>> = {
  API_KEY: 'MICROMDM_API_KEY',
  PUBLIC_URL: 'MICROMDM_SERVER_URL',
  WEBHOOK_URL: 'MICROMDM_WEBHOOK_URL',
  DM_URL: 'DM',
  UDID_CERT_AUTH_WARN_ONLY: 'MICROMDM_UDID_CERT_AUTH_WARN_ONLY',
  NO_COMMAND_HISTORY: 'MICROMDM_NO_COMMAND_HISTORY',
  HOMEPAGE: 'MICROMDM_HTTP_HOMEPAGE',
  SCEP_CLIENT_VALIDITY: 'MICROMDM_SCEP_CLIENT_VALIDITY',
  USE_DYNAMIC_CHALLENGE: 'MICROMDM_USE_DYNAMIC_CHALLENGE',
}

/** A var under its own name or MicroMDM's; empty if it is not set. TOML has booleans and numbers too. */
export function setting(vars: UncheckedVars, name: string): string {
  return [name, ALIASES[name] ?? name]
    .map((alias) => vars[alias])
    .map((value) => (/string|boolean|number/.test(typeof value) ? String(value).trim() : ''))
    .reduce((first, second) => first || second)
}
