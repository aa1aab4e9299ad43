/** The flags of `npm run push-cert`. */
import { parseArgs } from 'node:util'
import { CliError, messageOf } from '../error.ts'
import { checkText } from '../options.ts'

const FLAGS = {
  state: { type: 'string', argument: 'DIR', help: 'where everything is kept (.edgemdm)' },
  email: { type: 'string', argument: 'ADDRESS', help: 'e-mail address in the request' },
  country: { type: 'string', argument: 'CC', help: 'country in the request, two letters (US)' },
  cn: { type: 'string', argument: 'NAME', help: 'common name in the request' },
  'mdmcert-email': {
    type: 'string',
    argument: 'ADDRESS',
    help: 'the address that is registered at mdmcert.download',
  },
  'mdmcert-key': {
    type: 'string',
    argument: 'KEY',
    help: 'the client key that mdmcert.download gave you (MDMCERT_KEY)',
  },
  'mdmcert-url': {
    type: 'string',
    argument: 'URL',
    help: 'another signing service that speaks the same protocol',
  },
  file: { type: 'string', argument: 'FILE', help: 'the file from the mail, or from the vendor' },
  'vendor-cert': {
    type: 'string',
    argument: 'FILE',
    help: 'the MDM vendor certificate from Apple',
  },
  csr: { type: 'string', argument: 'FILE', help: 'a customer’s request instead of our push.csr' },
  wwdr: {
    type: 'string',
    argument: 'FILE',
    help: 'Apple’s WWDR certificate instead of fetching it',
  },
  root: {
    type: 'string',
    argument: 'FILE',
    help: 'Apple’s root certificate instead of fetching it',
  },
  cert: { type: 'string', argument: 'FILE', help: 'the push certificate from Apple, PEM' },
  key: { type: 'string', argument: 'FILE', help: 'its key, PEM (push.key, made by push-csr)' },
  account: {
    type: 'string',
    argument: 'ADDRESS',
    help: 'the Apple Account that made the certificate',
  },
  production: { type: 'boolean', argument: '', help: 'a Worker that was deployed by hand' },
  force: {
    type: 'boolean',
    argument: '',
    help: 'install another topic (every device has to enrol again), or an earlier end',
  },
  'api-key': { type: 'string', argument: 'KEY', help: 'API key of the running server' },
} as const

export type FlagName = keyof typeof FLAGS
export type Values = { readonly [Name in FlagName]?: string | boolean | undefined }

export interface Command {
  readonly help: string
  readonly flags: readonly FlagName[]
  readonly run: (values: Values) => Promise<string> | string
}

export function readFlags(command: Command, args: readonly string[]): Values {
  const names: readonly FlagName[] = ['state', ...command.flags]
  const options = Object.fromEntries(names.map((flag) => [flag, { type: FLAGS[flag].type }]))
  try {
    const { values } = parseArgs({ args: [...args], options, strict: true })
    for (const [flag, value] of Object.entries(values)) {
      checkText(flag, value)
    }
    return values
  } catch (error) {
    const [sentence = ''] = messageOf(error).split(/\. |\n/)
    throw new CliError(`${sentence.replace(/\.$/, '')} (--help lists the options)`)
  }
}

export function helpOf(commands: Readonly<Record<string, Command>>): string {
  const lines = Object.entries(commands).flatMap(([name, { help, flags }]) => [
    `  ${name.padEnd(12)} ${help}`,
    `  ${''.padEnd(12)} ${flags.map((flag) => `--${flag}`).join(' ')}`,
  ])
  const flags = Object.entries(FLAGS).map(
    ([name, { argument, help }]) => `  ${`--${name} ${argument}`.padEnd(24)} ${help}`,
  )
  return ['Usage: npm run push-cert -- COMMAND [options]', '', ...lines, '', ...flags].join('\n')
}

export function textFlag(values: Values, name: FlagName): string | undefined {
  const value = values[name]
  return typeof value === 'string' ? value : undefined
}

export function required(values: Values, name: FlagName): string {
  const value = textFlag(values, name)
  if (value === undefined) {
    throw new CliError(`--${name} ${FLAGS[name].argument} is needed: ${FLAGS[name].help}`)
  }
  return value
}
