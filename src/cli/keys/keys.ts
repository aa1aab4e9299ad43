/** `npm run keys`: lists, makes, rolls and revokes the API keys of a running server (docs/keys.md). */
import { parseArgs } from 'node:util'
import { type AdminAccess, adminAccess, callApi } from '../api-client.ts'
import { refuseForgottenDashes } from '../dashes.ts'
import { CliError, messageOf } from '../error.ts'
import { keyLines, type ListedKey, type ShownKey } from './show.ts'

const HELP = `Usage: npm run keys -- COMMAND [options]

  list                     shows the keys, without their secrets
  create NAME              makes a key, and shows it once
  roll NAME                gives a key a new secret, and shows it once
  revoke NAME              ends a key everywhere, within 30 seconds

  --scopes LIST            create: what it may do, such as read,command (docs/keys.md)
  --expires-in TIME        create, roll: 12h, 90d, up to 3650d, or never (create: 365d)
  --overlap TIME           roll: how long the present secret stays good, 0s to 7d (1d)
  --server URL             the server (http://127.0.0.1:8787)
  --api-key KEY            a key with the scope admin; or the environment variable API_KEY

NAME may be the id of the key. The key alone goes to the standard output.
`

const OPTIONS = {
  server: { type: 'string', default: 'http://127.0.0.1:8787' },
  'api-key': { type: 'string' },
  scopes: { type: 'string' },
  'expires-in': { type: 'string' },
  overlap: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

const NPM_FLAGS = [
  { name: 'server', argument: 'URL' },
  { name: 'api-key', argument: 'KEY' },
  { name: 'scopes', argument: 'LIST' },
  { name: 'expires-in', argument: 'TIME' },
  { name: 'overlap', argument: 'TIME' },
]

const PATH = '/api/keys'

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
  if (more.length > 0 || (command === 'list' ? name !== undefined : name === undefined)) {
    throw new CliError(`${command}: name ${command === 'list' ? 'no key' : 'one key'} (--help)`)
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
    default:
      throw new CliError(`there is no command ${command} (--help lists them)`)
  }
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
