/** `npm run ca`: makes, imports and lists the certificate authorities of a running server. */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { checkAuthority, authorityWarning } from '../pki/x509/authority.ts'
import {
  type AdminAccess,
  adminAccess,
  installCA,
  type InstalledCA,
  listCAs,
  newAuthority,
  pemPairOf,
  removeCA,
} from './api-client.ts'
import { refuseForgottenDashes } from './dashes.ts'
import { CliError, messageOf } from './error.ts'

const HELP = `Usage: npm run ca -- COMMAND [options]

  list                     shows the CAs; the first one issues, the others are accepted
  create                   makes a new CA on this machine and installs it: it issues from now on
  import                   installs a CA that you bring, MicroMDM's for example
  remove KEY-ID            accepts identities of that CA no longer; known devices go on

  --server URL             the server (http://127.0.0.1:8787)
  --api-key KEY            its API key; or the environment variable API_KEY
  --cert FILE              import: PEM of the CA certificate
  --key FILE               import: PEM of its RSA key, PKCS#1 or PKCS#8, not encrypted
  --next-serial N          import: where its serial counter goes on; random serials without it
`

const OPTIONS = {
  server: { type: 'string', default: 'http://127.0.0.1:8787' },
  'api-key': { type: 'string' },
  cert: { type: 'string' },
  key: { type: 'string' },
  'next-serial': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

const NPM_FLAGS = [
  { name: 'server', argument: 'URL' },
  { name: 'api-key', argument: 'KEY' },
  { name: 'cert', argument: 'FILE' },
  { name: 'key', argument: 'FILE' },
  { name: 'next-serial', argument: 'N' },
]

await main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(`ca: ${messageOf(error)}`)
  process.exit(1)
})

async function main(args: readonly string[]): Promise<void> {
  refuseForgottenDashes('npm run ca', NPM_FLAGS, args, process.env)
  const { values, positionals } = parse(args)
  const [command, ...more] = positionals
  if (values.help === true || command === undefined) {
    console.log(HELP)
    return
  }
  const access = adminAccess(values)
  const [argument] = more
  if (more.length > (command === 'remove' ? 1 : 0)) {
    throw new CliError(`one command at a time, not also ${more.join(', ')}`)
  }
  switch (command) {
    case 'list':
      return print(await listCAs(access))
    case 'create': {
      const pair = pemPairOf(newAuthority(Date.now()))
      await installCA(access, pair, { imported: false })
      return print(await listCAs(access))
    }
    case 'import':
      return print(await importCA(access, values))
    case 'remove':
      await removeCA(access, await fullKeyId(access, argument ?? ''))
      return print(await listCAs(access))
    default:
      throw new CliError(`there is no command ${command} (--help lists them)`)
  }
}

async function importCA(
  access: AdminAccess,
  values: ReturnType<typeof parse>['values'],
): Promise<readonly InstalledCA[]> {
  const pair = { certificate: read('cert', values.cert), key: read('key', values.key) }
  const check = checkAuthority(pair.certificate, pair.key)
  if (!check.ok) {
    throw new CliError(check.error)
  }
  const warning = authorityWarning(check.authority.certificate, Date.now())
  if (warning !== undefined) {
    console.error(`ca: ${warning}`)
  }
  await installCA(access, pair, { imported: true, ...nextSerial(values['next-serial']) })
  return listCAs(access)
}

/** The list shows the first 16 digits. */
async function fullKeyId(access: AdminAccess, start: string): Promise<string> {
  const found = (await listCAs(access)).filter(({ id }) => id.startsWith(start))
  const [only, ...others] = found
  if (start === '' || only === undefined || others.length > 0) {
    throw new CliError('remove: name one CA by its key id, as `npm run ca -- list` shows it')
  }
  return only.id
}

function print(all: readonly InstalledCA[]): void {
  if (all.length === 0) {
    console.log('There is no CA: make one with `npm run ca -- create`.')
  }
  for (const ca of all) {
    console.log(
      [
        ca.issues ? 'issues  ' : 'accepted',
        ca.id.slice(0, 16),
        `until ${ca.expires_at.slice(0, 10)}`,
        `${ca.issued} issued`,
        ca.subject,
        ca.imported ? '(imported)' : '',
      ]
        .join('  ')
        .trimEnd(),
    )
    if (ca.warning !== null) {
      console.log(`          ${ca.warning}`)
    }
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: true })
  } catch (error) {
    throw new CliError(`${messageOf(error)} (--help lists the options)`)
  }
}

function nextSerial(text: string | undefined): { nextSerial?: number } {
  if (text === undefined) {
    return {}
  }
  const number = Number(text)
  if (!/^\d+$/.test(text) || number < 1 || !Number.isSafeInteger(number)) {
    throw new CliError(`--next-serial ${text}: not a whole number above 0`)
  }
  return { nextSerial: number }
}

function read(flag: string, file: string | undefined): string {
  if (file === undefined) {
    throw new CliError(`--${flag} is missing (--help lists the options)`)
  }
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new CliError(`--${flag} ${file}: ${messageOf(error)}`)
  }
}
