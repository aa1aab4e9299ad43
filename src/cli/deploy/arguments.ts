import { join, resolve } from 'node:path'
import { refuseForgottenDashes, shellPath } from '../dashes.ts'
import { CliError } from '../error.ts'
import type { Environment } from '../settings.ts'
import { parseFlags } from './flags.ts'

/** What the flags ask for. An absent answer is asked for, or has a default. */
export interface DeployOrder {
  readonly name: string | undefined
  /** In lower case, without scheme. */
  readonly host: string | undefined
  readonly account: string | undefined
  readonly push:
    | { readonly certificateFile: string; readonly keyFile: string | undefined }
    | undefined
  readonly settingsFile: string | undefined
  readonly secretsFile: string | undefined
  readonly stateDir: string
  readonly dryRun: boolean
  /** All but `--dry-run`. */
  readonly flags: readonly string[]
  readonly yes: boolean
  readonly json: boolean
  readonly ci: boolean
  /** In Workers Builds, whose log only members of the account can read. */
  readonly builds: boolean
  readonly doctor: boolean
  readonly again: boolean
  readonly force: boolean
  readonly wait: boolean
}

const FLAGS = [
  ['name', 'NAME', 'the deployment, and the name of its Worker, D1 and queue (edgemdm)'],
  ['host', 'HOST', 'a host name of your own for devices (an address at workers.dev)'],
  ['account', 'ID', 'id or name of the Cloudflare account, if you have several'],
  ['push-cert', 'FILE', 'the push certificate from Apple, PEM (none; later: npm run push-cert)'],
  ['push-key', 'FILE', 'its key (push.key of npm run push-cert)'],
  ['settings', 'FILE', 'your settings (settings.toml in the folder of the deployment)'],
  ['secrets', 'FILE', 'API_KEY and SEAL_KEYS of a server that was deployed elsewhere'],
  ['state', 'DIR', 'where keys and answers are kept (.edgemdm)'],
  ['dry-run', '', 'shows the plan and changes nothing'],
  ['yes', '', 'goes on without "Continue?"'],
  ['again', '', 'deploys although the last deploy is less than five minutes old'],
  ['force', '', 'changes the topic of the push certificate of enrolled devices'],
  ['json', '', 'prints one event on each line, as JSON'],
  ['ci', '', 'asks nothing; API_KEY, SEAL_KEYS, SETUP_CODE come from the environment'],
  ['no-doctor', '', 'does not check the server at the end (npm run doctor)'],
  ['no-wait', '', 'does not wait for the first device'],
] as const

export const DEPLOY_HELP = `Usage: npm run deploy -- [options]

Deploys EdgeMDM to Cloudflare: shows a plan, asks, and goes through its steps. Run it again at any time:
it changes only what differs. Keys and answers are kept in .edgemdm/deployments/NAME (docs/deploy.md).

${FLAGS.map(([name, argument, help]) => `  ${`--${name} ${argument}`.padEnd(20)} ${help}`).join('\n')}

Exit code: 0 done, 1 a step failed and can be repeated, 2 an answer or login is missing or wrong, 3 refused.
`

const OPTIONS = {
  name: { type: 'string' },
  host: { type: 'string' },
  account: { type: 'string' },
  'push-cert': { type: 'string' },
  'push-key': { type: 'string' },
  settings: { type: 'string' },
  secrets: { type: 'string' },
  state: { type: 'string', default: '.edgemdm' },
  'dry-run': { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
  again: { type: 'boolean', default: false },
  force: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  ci: { type: 'boolean', default: false },
  'no-doctor': { type: 'boolean', default: false },
  'no-wait': { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const

/** @throws CliError for a line that cannot be meant */
export function readDeployOrder(
  args: readonly string[],
  env: Environment,
): DeployOrder | { readonly help: true } {
  const npmFlags = FLAGS.map(([name, argument]) => ({ name, argument }))
  refuseForgottenDashes('npm run deploy', npmFlags, args, env)
  const values = parseFlags(args, OPTIONS)
  if (values.help) {
    return { help: true }
  }
  const { account, settings, secrets } = values
  const builds = env['WORKERS_CI'] === '1'
  const ci = values.ci || builds
  const name = values.name ?? (ci ? env['WRANGLER_CI_OVERRIDE_NAME'] : undefined)
  return {
    name: name === undefined ? undefined : checkedName(name),
    host: values.host === undefined ? undefined : checkedHost(values.host),
    account,
    push: pushFilesOf(values),
    settingsFile: settings === undefined ? undefined : resolve(settings),
    secretsFile: secrets,
    stateDir: resolve(values.state),
    dryRun: values['dry-run'],
    flags: args.filter((arg) => arg !== '--dry-run'),
    yes: values.yes || ci,
    json: values.json,
    ci,
    builds,
    doctor: !values['no-doctor'],
    again: values.again,
    force: values.force,
    wait: !values['no-wait'] && !ci,
  }
}

/** The line that does what a dry run has shown, with what it was told at the terminal. */
export function deployLine(order: DeployOrder, name: string, host: string | undefined): string {
  const flags = [
    ...order.flags,
    ...(order.name === undefined && name !== 'edgemdm' ? ['--name', name] : []),
    ...(order.host === undefined && host !== undefined ? ['--host', host] : []),
  ]
  return ['npm run deploy', ...(flags.length > 0 ? ['--'] : []), ...flags.map(shellPath)].join(' ')
}

function pushFilesOf(values: ReturnType<typeof parseFlags<typeof OPTIONS>>): DeployOrder['push'] {
  const { 'push-cert': certificateFile, 'push-key': keyFile } = values
  if (certificateFile === undefined) {
    if (keyFile !== undefined) {
      throw new CliError('--push-key belongs to --push-cert FILE, which is missing')
    }
    return undefined
  }
  return { certificateFile, keyFile }
}

/** A label of workers.dev, with room for `-events` in the name of a queue. @throws CliError */
export function checkedName(name: string): string {
  if (!/^[a-z0-9](?:[a-z0-9-]{0,54}[a-z0-9])?$/.test(name)) {
    throw new CliError(
      `--name ${name}: a name has 1 to 56 small letters, digits and dashes, with no dash at its ends`,
    )
  }
  return name
}

/** @throws CliError unless it is the name of a host below a zone */
export function checkedHost(text: string): string {
  const host = text
    .toLowerCase()
    .replace(/^https:\/\//, '')
    .replace(/\/$/, '')
  if (
    !/^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]*[a-z0-9])$/.test(host)
  ) {
    throw new CliError(`--host ${text}: not a host name like mdm.example.com`)
  }
  if (host.endsWith('.workers.dev')) {
    throw new CliError(`--host ${text}: leave --host out for an address at workers.dev`)
  }
  return host
}

/** The folder of one deployment. */
export function folderOfDeployment(stateDir: string, name: string): string {
  return join(stateDir, 'deployments', name)
}
