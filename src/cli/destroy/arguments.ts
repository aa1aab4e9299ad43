import { resolve } from 'node:path'
import { refuseForgottenDashes } from '../dashes.ts'
import { checkedName } from '../deploy/arguments.ts'
import { CliError } from '../error.ts'
import type { Environment } from '../settings.ts'
import { parseFlags } from '../deploy/flags.ts'

export interface DestroyOrder {
  readonly name: string
  readonly withData: boolean
  /** The name once more, in place of an answer at the terminal. */
  readonly yes: string | undefined
  readonly account: string | undefined
  readonly stateDir: string
}

const FLAGS = [
  ['name', 'NAME', 'the deployment'],
  ['with-data', '', 'removes its D1 database too'],
  ['yes', 'NAME', 'the name once more: removes without asking for it'],
  ['account', 'ID', 'id or name of the Cloudflare account, if you have several'],
  ['state', 'DIR', 'where keys and answers are kept (.edgemdm)'],
] as const

export const DESTROY_HELP = `Usage: npm run destroy -- --name NAME [options]

Removes a deployment from Cloudflare: its Worker with all objects, and its queue. Shows first what it
removes, and asks for the name. Run it again if it stops. Keys on this machine stay (docs/deploy.md).

${FLAGS.map(([name, argument, help]) => `  ${`--${name} ${argument}`.padEnd(16)} ${help}`).join('\n')}

Exit code: 0 done, 1 a step failed and can be repeated, 2 an answer or login is missing or wrong, 3 refused.
`

const OPTIONS = {
  name: { type: 'string' },
  'with-data': { type: 'boolean', default: false },
  yes: { type: 'string' },
  account: { type: 'string' },
  state: { type: 'string', default: '.edgemdm' },
  help: { type: 'boolean', short: 'h', default: false },
} as const

/** @throws CliError for a line that cannot be meant */
export function readDestroyOrder(
  args: readonly string[],
  env: Environment,
): DestroyOrder | { readonly help: true } {
  const npmFlags = FLAGS.map(([name, argument]) => ({ name, argument }))
  refuseForgottenDashes('npm run destroy', npmFlags, args, env)
  const { name, help, yes, account, state, 'with-data': withData } = parseFlags(args, OPTIONS)
  if (help) {
    return { help: true }
  }
  if (name === undefined) {
    throw new CliError('--name NAME is missing: which deployment? (--help lists the options)')
  }
  return { name: checkedName(name), withData, yes, account, stateDir: resolve(state) }
}
