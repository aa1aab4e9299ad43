import { refuseForgottenDashes } from '../dashes.ts'
import { CliError } from '../error.ts'
import type { Environment } from '../settings.ts'
import { parseFlags } from '../deploy/flags.ts'

export interface DoctorOrder {
  /** An origin: no slash at its end. */
  readonly url: string
  readonly isLocal: boolean
  readonly key: string | undefined
  /** Also asks Cloudflare, about the deployment of this name. */
  readonly account: boolean
  readonly name: string | undefined
  /** Numbers of checks; undefined for all. */
  readonly only: readonly number[] | undefined
  readonly json: boolean
  readonly verbose: boolean
  readonly ci: boolean
}

const FLAGS = [
  ['server', 'URL', 'the server, such as https://mdm.example.com (http://127.0.0.1:8787)'],
  ['key', 'KEY', 'an API key; or the environment variable API_KEY (--api-key is the same)'],
  ['account', '', 'also asks Cloudflare, with the login of wrangler or CLOUDFLARE_API_TOKEN'],
  ['name', 'NAME', 'the deployment in that account (the one with this server)'],
  ['only', 'NUMBERS', 'runs these checks, such as 4,7, and those that they depend on'],
  ['verbose', '', 'also shows what good checks saw'],
  ['json', '', 'prints an array of results'],
  ['ci', '', 'no colours and no progress'],
] as const

export const DOCTOR_HELP = `Usage: npm run doctor -- [options]

Checks a server from outside, with a key also from inside. Each line says what was found and what to do
(docs/doctor.md).

${FLAGS.map(([name, argument, help]) => `  ${`--${name} ${argument}`.padEnd(16)} ${help}`).join('\n')}

Exit code: the number of checks that failed, at most 100. 101: the checks did not run.
`

const OPTIONS = {
  server: { type: 'string', default: 'http://127.0.0.1:8787' },
  key: { type: 'string' },
  'api-key': { type: 'string' },
  account: { type: 'boolean', default: false },
  name: { type: 'string' },
  only: { type: 'string' },
  verbose: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  ci: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const

/** @throws CliError for a line that cannot be meant */
export function readDoctorOrder(
  args: readonly string[],
  env: Environment,
  numbers: readonly number[],
): DoctorOrder | { readonly help: true } {
  const npmFlags = FLAGS.map(([name, argument]) => ({ name, argument }))
  const known = [...npmFlags, { name: 'api-key', argument: 'KEY' }]
  refuseForgottenDashes('npm run doctor', known, args, env)
  const { server, only, help, name, 'api-key': apiKey, ...values } = parseFlags(args, OPTIONS)
  if (help) {
    return { help: true }
  }
  const url = serverIn(server)
  return {
    ...values,
    name,
    url: url.origin,
    isLocal: url.protocol === 'http:',
    key: values.key ?? apiKey ?? (env['API_KEY'] || undefined),
    only: only === undefined ? undefined : numbersIn(only, numbers),
  }
}

function serverIn(text: string): URL {
  const complain = (fault: string): never => {
    throw new CliError(`--server ${text}: ${fault}`)
  }
  if (!text.includes('://')) {
    complain(`the scheme is missing: write https://${text}`)
  }
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol)) {
    return complain('not an http or https URL')
  }
  if (url.username !== '' || url.password !== '') {
    throw new CliError(`--server: write ${url.origin}, and give the key with --key or API_KEY`)
  }
  if (url.protocol === 'http:' && !/^(localhost|127\.[\d.]+|\[::1\])$/.test(url.hostname)) {
    complain(`devices and keys need https: write https://${url.host}`)
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    complain(`more than a server: write ${url.origin}`)
  }
  return url
}

function numbersIn(text: string, known: readonly number[]): readonly number[] {
  return text.split(',').map((part) => {
    const number = Number(part)
    if (!/^ *\d+ *$/.test(part) || !known.includes(number)) {
      throw new CliError(`--only ${text}: there is no check ${part.trim()} (docs/doctor.md)`)
    }
    return number
  })
}
