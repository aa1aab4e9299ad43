import { CliError } from './error.ts'

/** A flag of a command, in a form that npm may have changed. */
export interface NpmFlag {
  readonly name: string
  /** The kind of its value: `N`, `PORT`, `URL`, `FILE` …; a switch has none. */
  readonly argument?: string
}

const FITS: Readonly<Record<string, RegExp>> = {
  N: /^\d+$/,
  PORT: /^\d+$/,
  S: /^\d+$/,
  URL: /^https?:/,
  VERSION: /^\d/,
}
const OTHER = /^(?!\d+$|https?:)/
/** npm has an option of that name too, which its configuration may set. */
const ALSO_OF_NPM: ReadonlySet<string> = new Set(['os', 'key', 'cert', 'yes'])

/**
 * Refuses flags in front of which no `--` stands. npm keeps such flags and passes on their values as
 * arguments: `npm start --devices 3` becomes `npm_config_devices=true` and `3`.
 *
 * @throws CliError that gives the right command line
 */
export function refuseForgottenDashes(
  command: string,
  flags: readonly NpmFlag[],
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): void {
  const kept = flags.flatMap((flag) => {
    const value = keptValue(flag, env)
    return value === '' ? [] : [{ flag, value }]
  })
  if (kept.every(({ flag }) => ALSO_OF_NPM.has(flag.name))) {
    return
  }
  const first = args.findIndex((argument) => argument.startsWith('-'))
  const bare = first === -1 ? args : args.slice(0, first)
  const rest = args.slice(bare.length)
  const values = kept.map(({ flag, value }) => (value === 'true' ? bareValue(flag, bare) : value))
  const isGuess = kept.some(({ flag }, index) => flag.argument && values[index] === flag.argument)
  const unused = isGuess ? [] : bare.filter((argument) => !values.includes(argument))
  const line = [
    ...unused,
    ...kept.flatMap(({ flag }, index) => [`--${flag.name}`, values[index]]),
    ...rest,
  ].filter(Boolean)
  throw new CliError(
    `npm has kept the flags for itself: write -- before them\n  ${command} -- ${line.join(' ')}`,
  )
}

/** Empty if npm has not kept it. npm takes `--no-activate` for `activate` switched off: an empty text. */
function keptValue({ name }: NpmFlag, env: Readonly<Record<string, string | undefined>>): string {
  const value = env[`npm_config_${name.replace(/^no-/, '').replaceAll('-', '_')}`]
  return name.startsWith('no-') ? (value === '' ? 'true' : '') : (value ?? '')
}

/** The one argument that fits. npm does not say which flag an argument belongs to. */
function bareValue({ argument }: NpmFlag, bare: readonly string[]): string | undefined {
  if (!argument) {
    return undefined
  }
  const fits = bare.filter((text) => (FITS[argument] ?? OTHER).test(text))
  return fits.length === 1 ? fits[0] : argument
}

/** A path, or another argument, as one word of a shell's line. */
export function shellPath(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`
}
