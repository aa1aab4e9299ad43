/** `npm run audit`: checks the audit of a running server, or writes all of it. */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { AuditLink, AuditRow } from '../../keys/audit-row.ts'
import { callApi } from '../api-client.ts'
import { refuseForgottenDashes } from '../dashes.ts'
import { CliError, messageOf } from '../error.ts'
import { checkEnds, NOTHING_READ, readOn } from './chain.ts'

const HELP = `Usage: npm run audit -- COMMAND [options]

  verify                   checks that no row was changed, is missing or stands elsewhere
  export                   writes all rows as JSON lines, newest first

  --server URL             the server (http://127.0.0.1:8787)
  --api-key KEY            a key with the scope admin; or the environment variable API_KEY
  --file FILE              verify: rows that export wrote, in place of a server
  --head 'SEQ HASH'        verify: what an earlier check ended with has to be there still
`

const OPTIONS = {
  server: { type: 'string', default: 'http://127.0.0.1:8787' },
  'api-key': { type: 'string' },
  file: { type: 'string' },
  head: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

const NPM_FLAGS = [
  { name: 'server', argument: 'URL' },
  { name: 'api-key', argument: 'KEY' },
  { name: 'file', argument: 'FILE' },
  { name: 'head', argument: 'TEXT' },
]

type Values = ReturnType<typeof parse>['values']

await main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(`audit: ${messageOf(error)}`)
  process.exit(1)
})

async function main(args: readonly string[]): Promise<void> {
  refuseForgottenDashes('npm run audit', NPM_FLAGS, args, process.env)
  const { values, positionals } = parse(args)
  const [command, ...more] = positionals
  if (values.help === true || command === undefined) {
    console.log(HELP)
  } else if (more.length > 0 || !/^(verify|export)$/.test(command)) {
    throw new CliError(`there is no command ${positionals.join(' ')} (--help lists them)`)
  } else if (command === 'export') {
    for await (const page of pagesOf(values)) {
      page.forEach((row) => {
        console.log(JSON.stringify(row))
      })
    }
  } else {
    await verify(values)
  }
}

async function verify(values: Values): Promise<void> {
  const known = values.head === undefined ? undefined : linkIn(values.head)
  let chain = NOTHING_READ
  for await (const page of values.file === undefined ? pagesOf(values) : [rowsIn(values.file)]) {
    chain = readOn(chain, page, known)
  }
  const start = checkEnds(chain, known)
  console.log(`${chain.rows} rows are unchanged and complete, ${start}`)
  if (chain.head) {
    console.log(`--head '${chain.head.seq} ${chain.head.hash}'`)
  }
}

async function* pagesOf(values: Values): AsyncGenerator<readonly AuditRow[]> {
  const apiKey = values['api-key'] ?? process.env['API_KEY'] ?? ''
  if (apiKey === '') {
    throw new CliError('--api-key is missing, and API_KEY is not set')
  }
  if (!/^https?:$/.test(URL.parse(values.server)?.protocol ?? '')) {
    throw new CliError(`--server ${values.server}: not an http or https URL`)
  }
  const access = { url: values.server.replace(/\/+$/, ''), apiKey }
  for (let cursor: string | null = ''; cursor !== null;) {
    const path: string = `/api/audit?limit=1000&cursor=${encodeURIComponent(cursor)}`
    const page: { items: AuditRow[]; next: string | null } = JSON.parse(
      await callApi(access, path, { method: 'GET' }),
    )
    yield page.items
    cursor = page.next
  }
}

function rowsIn(file: string): readonly AuditRow[] {
  try {
    const lines = readFileSync(file, 'utf8').split('\n')
    return lines.filter((line) => line !== '').map((line): AuditRow => JSON.parse(line))
  } catch (error) {
    throw new CliError(`--file ${file}: ${messageOf(error)}`)
  }
}

function linkIn(text: string): AuditLink {
  const [, seq, hash] = /^([1-9]\d*) (sha256:[\da-f]{64})$/.exec(text) ?? []
  if (seq === undefined || hash === undefined) {
    throw new CliError(
      `--head ${text}: not the number and the hash that an earlier check ended with`,
    )
  }
  return { seq: Number(seq), hash }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: true })
  } catch (error) {
    throw new CliError(`${messageOf(error)} (--help lists the options)`)
  }
}
