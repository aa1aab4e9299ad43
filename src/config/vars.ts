import { SETTINGS_KNOWN } from './known.ts'

/**
 * The settings as the runtime gives them: every var and secret is optional until it has been checked.
 */
export type UncheckedVars = Readonly<Record<string, unknown>>

/** MicroMDM's names for settings that this server has too. */
const ALIASES = new Map(SETTINGS_KNOWN.map(([name, , , facts]) => [name, facts?.alias ?? name]))

/** The name by which a setting is set, its own or MicroMDM's, and its value; empty if it is not set. */
export function settingAs(vars: UncheckedVars, name: string): readonly [as: string, value: string] {
  const found = [name, ALIASES.get(name) ?? name]
    .map((alias) => [alias, textOf(vars[alias])] as const)
    .find(([, value]) => value !== '')
  return found ?? [name, '']
}

/** A var under its own name or MicroMDM's; empty if it is not set. */
export function setting(vars: UncheckedVars, name: string): string {
  return settingAs(vars, name)[1]
}

/** TOML has booleans and numbers too. */
function textOf(value: unknown): string {
  return /string|boolean|number/.test(typeof value) ? String(value).trim() : ''
}
