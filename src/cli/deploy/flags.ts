import { parseArgs, type ParseArgsConfig } from 'node:util'
import { CliError, messageOf } from '../error.ts'
import { checkText } from '../options.ts'

/** Reads a line that consists of flags. @throws CliError for a line that cannot be meant */
export function parseFlags<Flags extends NonNullable<ParseArgsConfig['options']>>(
  args: readonly string[],
  options: Flags,
) {
  try {
    const { values } = parseArgs({ args: [...args], options, strict: true })
    for (const [name, value] of Object.entries<string | boolean | undefined>(values)) {
      checkText(name, value)
    }
    return values
  } catch (error) {
    throw new CliError(`${messageOf(error)} (--help lists the options)`)
  }
}
