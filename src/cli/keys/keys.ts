/** `npm run keys`: lists, makes, rolls and revokes the API keys of a running server (docs/keys.md). */
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type AdminAccess, adminAccess, callApi } from '../api-client.ts'
import { refuseForgottenDashes } from '../dashes.ts'
import { CloudflareError } from '../deploy/cloudflare/api.ts'
import { DeployStop, stopOf } from '../deploy/failures.ts'
import { CliError, messageOf } from '../error.ts'
import { keyLines, type ListedKey, type ShownKey } from './show.ts'

const HELP = `Usage: npm run keys -- COMMAND [options]

  list                     shows the keys, without their secrets
  create NAME              makes a key, and shows it once
  roll NAME                gives a key a new secret, and shows it once
  revoke NAME              ends a key everywhere, within 30 seconds
  to-secrets               moves the seal keys of a claimed server into secrets of its Worker

  --scopes LIST            create: what it may do, such as read,command (docs/keys.md)
  --expires-in TIME        create, roll: 12h, 90d, up to 3650d, or never (create: 365d)
  --overlap TIME           roll: how long the present secret stays good, 0s to 7d (1d)
  --server URL             the server (http://127.0.0.1:8787)
  --api-key KEY            a key with the scope admin; or the environment variable API_KEY
  --name NAME              to-secrets: the Worker, and the deployment (the one that serves the server)
  --account ID             to-secrets: the Cloudflare account, if you have several
  --state DIR              to-secrets: where the keys are kept (.edgemdm)

NAME may be the id of the key. The key alone goes to the standard output.
`

const OPTIONS = {
  server: { type: 'string', default: 'http://127.0.0.1:8787' },
  'api-key': { type: 'string' },
  scopes: { type: 'string' },
  'expires-in': { type: 'string' },
  overlap: { type: 'string' },
  name: { type: 'string' },
  account: { type: 'string' },
  state: { type: 'string', default: '.edgemdm' },
  help: { type: 'boolean', short: 'h' },
} as const

const NPM_FLAGS = [
  { name: 'server', argument: 'URL' },
  { name: 'api-key', argument: 'KEY' },
  { name: 'scopes', argument: 'LIST' },
  { name: 'expires-in', argument: 'TIME' },
  { name: 'overlap', argument: 'TIME' },
  { name: 'name', argument: 'NAME' },
  { name: 'account', argument: 'ID' },
  { name: 'state', argument: 'DIR' },
]

const PATH = '/api/keys'
/** They are about the server, and not about one key. */
const OF_SERVER: ReadonlySet<string> = new Set(['list', 'to-secrets'])

await main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(`keys: ${messageOf(error)}`)
  process.exit(1)
})

async function main(args: readonly string[]): Promise<void> {
  refuseForgottenDashes('npm run keys', NPM_FLAGS, args, process.env)
  const { values, positionals } = parse(args)
  const [command, name, ...more] = positionals
  if (values.help === true || command === undefined) {
    console.log(HELP)
    return
  }
  const isOfServer = OF_SERVER.has(command)
  if (more.length > 0 || isOfServer !== (name === undefined)) {
    throw new CliError(`${command}: name ${isOfServer ? 'no key' : 'one key'} (--help)`)
  }
  const access = adminAccess(values)
  switch (command) {
    case 'list':
      return print(keyLines(await keysOf(access)))
    case 'create':
      return show(
        await post(access, PATH, {
          name,
          scopes: scopesIn(values.scopes),
          expires_in: values['expires-in'],
        }),
      )
    case 'roll': {
      const { id } = await keyNamed(access, name)
      const body = { overlap: values.overlap, expires_in: values['expires-in'] }
      return show(await post(access, `${PATH}/${id}/roll`, body))
    }
    case 'revoke':
      return revoke(access, name)
    case 'to-secrets':
      return toSecrets(access, values)
    default:
      throw new CliError(`there is no command ${command} (--help lists them)`)
  }
}

/** Loaded late: the other commands need no wrangler. */
async function toSecrets(
  access: AdminAccess,
  { name, account, state }: ReturnType<typeof parse>['values'],
): Promise<void> {
  const { moveSealKeys } = await import('./to-secrets.ts')
  const { callWrangler } = await import('../deploy/cloudflare/wrangler.ts')
  const move = moveSealKeys(
    access,
    { name, account, stateDir: resolve(state) },
    {
      projectDir: resolve(import.meta.dirname, '../../..'),
      env: process.env,
      fetch,
      sleep,
      now: Date.now,
      screen: { show: console.log, tell: () => undefined, ask: undefined, isWatched: false },
      callWrangler,
    },
  )
  await move.catch((error: unknown) => {
    const isOfCloudflare = error instanceof DeployStop || error instanceof CloudflareError
    const stop = isOfCloudflare ? stopOf(error) : undefined
    throw stop ? new CliError(`${stop.message}. What to do: ${stop.remedy}`) : error
  })
}

async function revoke(access: AdminAccess, name: string | undefined): Promise<void> {
  const { id } = await keyNamed(access, name)
  const answer: { name: string; ends_everywhere_at: string } = JSON.parse(
    await callApi(access, `${PATH}/${id}`, { method: 'DELETE' }),
  )
  console.error(
    `${answer.name} (${id}) is revoked; no request uses it after ${answer.ends_everywhere_at}`,
  )
}

async function keysOf(access: AdminAccess): Promise<readonly ListedKey[]> {
  const list: { items: ListedKey[] } = JSON.parse(await callApi(access, PATH, { method: 'GET' }))
  return list.items
}

async function keyNamed(access: AdminAccess, text = ''): Promise<ListedKey> {
  const found = (await keysOf(access)).find(({ id, name }) => text === name || text === id)
  if (!found) {
    throw new CliError(`no key has the name or id ${text} (npm run keys -- list shows them)`)
  }
  return found
}

/** What is not set is left out: the server then takes its own value. */
async function post(access: AdminAccess, path: string, body: object): Promise<ShownKey> {
  return JSON.parse(await callApi(access, path, { method: 'POST', body: JSON.stringify(body) }))
}

function scopesIn(text: string | undefined): readonly string[] {
  if (text === undefined) {
    throw new CliError(
      '--scopes is missing, such as --scopes read,command (docs/keys.md lists them)',
    )
  }
  return text.split(',').map((scope) => scope.trim())
}

/** The key alone on the standard output, for a pipe; all else beside it. */
function show(shown: ShownKey): void {
  print(keyLines([shown]), console.error)
  if (shown.warning !== null) {
    console.error(shown.warning)
  }
  console.error('The key is shown only now:')
  console.log(shown.key)
}

function print(lines: readonly string[], write = console.log): void {
  for (const line of lines) {
    write(line)
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: true })
  } catch (error) {
    throw new CliError(`${messageOf(error)} (--help lists the options)`)
  }
}
