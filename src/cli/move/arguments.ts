import { parseArgs } from 'node:util'
import type { AdminAccess } from '../api-client.ts'
import { refuseForgottenDashes } from '../dashes.ts'
import { CliError, messageOf } from '../error.ts'
import { checkText } from '../options.ts'
import {
  EXPORT_HELP,
  EXPORT_NPM_FLAGS,
  EXPORT_OPTIONS,
  type ExportOrder,
  readExportOrder,
} from './export.ts'

/** Where a fleet comes from. */
export type MoveSource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'server'; readonly url: string; readonly apiKey: string }
  | { readonly kind: 'bindings'; readonly path: string }

export interface MoveOrder {
  readonly kind: 'move'
  readonly source: MoveSource
  /** Its key is empty if none is given: then only the survey is possible. */
  readonly access: AdminAccess
  readonly filerepo: string | undefined
  readonly pushCertDir: string | undefined
  readonly yes: boolean
  readonly activate: boolean
  readonly withoutPush: boolean
  readonly verbose: boolean
}

export type MoveArguments =
  | MoveOrder
  | { readonly kind: 'help' }
  | { readonly kind: 'status' | 'discard'; readonly access: AdminAccess }
  | { readonly kind: 'export'; readonly access: AdminAccess; readonly order: ExportOrder }

export const MOVE_HELP = `Usage: npm run move -- FILE|URL [options]
       npm run move -- --bindings FILE [options]
       npm run move -- --export FILE|URL --reason TEXT [options]
       npm run move -- --status | --discard

Moves a fleet of MicroMDM here: from its micromdm.db, or from the running server at URL. Without --yes it
shows what would move, and asks. Run it again with a newer copy at any time: what is new is added.

  --server URL             the server here (http://127.0.0.1:8787)
  --api-key KEY            its API key; or the environment variable API_KEY
  --from-api-key KEY       the API key of the server at URL; or MICROMDM_API_KEY
  --filerepo DIR           MicroMDM's file repository: its files are sent too
  --push-cert-dir DIR      writes the push certificate of the file and its key there
  --bindings FILE          NanoMDM's cert_auth_associations: CSV, TSV, JSON, or the folder of its storage
  --yes                    moves without asking
  --no-activate            sends everything, and serves nothing of it yet
  --without-push           activates although devices cannot be pushed with the certificate here
  --verbose                lists every id
  --status                 shows the moves
  --discard                removes a move that is not activated
${EXPORT_HELP}`

const OPTIONS = {
  server: { type: 'string', default: 'http://127.0.0.1:8787' },
  'api-key': { type: 'string' },
  'from-api-key': { type: 'string' },
  filerepo: { type: 'string' },
  'push-cert-dir': { type: 'string' },
  bindings: { type: 'string' },
  yes: { type: 'boolean', default: false },
  'no-activate': { type: 'boolean', default: false },
  'without-push': { type: 'boolean', default: false },
  verbose: { type: 'boolean', default: false },
  status: { type: 'boolean', default: false },
  discard: { type: 'boolean', default: false },
  ...EXPORT_OPTIONS,
  help: { type: 'boolean', short: 'h', default: false },
} as const

const NPM_FLAGS = [
  { name: 'server', argument: 'URL' },
  { name: 'api-key', argument: 'KEY' },
  { name: 'from-api-key', argument: 'KEY' },
  { name: 'filerepo', argument: 'DIR' },
  { name: 'push-cert-dir', argument: 'DIR' },
  { name: 'bindings', argument: 'FILE' },
  ...EXPORT_NPM_FLAGS,
  ...['yes', 'no-activate', 'without-push', 'status', 'discard'].map((name) => ({ name })),
]

type Environment = Readonly<Record<string, string | undefined>>

/** @throws CliError */
export function readMoveArguments(args: readonly string[], env: Environment): MoveArguments {
  refuseForgottenDashes('npm run move', NPM_FLAGS, args, env)
  const { values, positionals } = parse(args)
  if (values.help || args.length === 0) {
    return { kind: 'help' }
  }
  const orders = ordersOf(values, positionals)
  if (orders.length !== 1) {
    throw new CliError(
      orders.length === 0
        ? 'name the file micromdm.db, or the URL of MicroMDM (--help lists the options)'
        : `one at a time: ${orders.join(', ')}`,
    )
  }
  const { status, discard, bindings } = values
  const access = accessTo(values, env)
  if (status || discard) {
    return { kind: status ? 'status' : 'discard', access }
  }
  if (values.export !== undefined) {
    return { kind: 'export', access, order: readExportOrder(values, env) }
  }
  if (bindings !== undefined && (values.filerepo ?? values['push-cert-dir']) !== undefined) {
    throw new CliError(
      '--filerepo and --push-cert-dir belong to a copy of MicroMDM, not to --bindings',
    )
  }
  return {
    kind: 'move',
    source: sourceOf(positionals[0], values, env),
    access,
    filerepo: values.filerepo,
    pushCertDir: values['push-cert-dir'],
    yes: values.yes,
    activate: !values['no-activate'],
    withoutPush: values['without-push'],
    verbose: values.verbose,
  }
}

type Values = ReturnType<typeof parse>['values']

/** What the command is to do, as it was written. */
function ordersOf(values: Values, positionals: readonly string[]): string[] {
  const { bindings, export: to, status, discard } = values
  return [
    ...positionals,
    ...(bindings === undefined ? [] : [`--bindings ${bindings}`]),
    ...(to === undefined ? [] : [`--export ${to}`]),
    ...(status ? ['--status'] : []),
    ...(discard ? ['--discard'] : []),
  ]
}

function parse(args: readonly string[]) {
  try {
    const read = parseArgs({
      args: [...args],
      options: OPTIONS,
      strict: true,
      allowPositionals: true,
    })
    for (const [name, value] of Object.entries(read.values)) {
      checkText(name, value)
    }
    return read
  } catch (error) {
    throw new CliError(`${messageOf(error)} (--help lists the options)`)
  }
}

function accessTo(values: Values, env: Environment): AdminAccess {
  const { server, yes, status, discard, export: isExport } = values
  const apiKey = values['api-key'] ?? env['API_KEY'] ?? ''
  if (apiKey === '' && (yes || status || discard || isExport !== undefined)) {
    throw new CliError('--api-key is missing, and API_KEY is not set')
  }
  if (!isUrl(server)) {
    throw new CliError(`--server ${server}: not an http or https URL`)
  }
  return { url: server.replace(/\/+$/, ''), apiKey }
}

function sourceOf(named: string | undefined, values: Values, env: Environment): MoveSource {
  if (named === undefined) {
    return { kind: 'bindings', path: values.bindings ?? '' }
  }
  if (!isUrl(named)) {
    return { kind: 'file', path: named }
  }
  const apiKey = values['from-api-key'] ?? env['MICROMDM_API_KEY'] ?? ''
  if (apiKey === '') {
    throw new CliError('--from-api-key is missing, and MICROMDM_API_KEY is not set')
  }
  return { kind: 'server', url: named.replace(/\/+$/, ''), apiKey }
}

function isUrl(text: string): boolean {
  return /^https?:$/.test(URL.parse(text)?.protocol ?? '')
}
