/** What can go wrong on the way, in the words of wrangler and Cloudflare, each with one remedy. */
import { stripVTControlCharacters } from 'node:util'
import { CliError } from '../error.ts'

/** 1: a step failed and can be repeated. 2: an answer or a login is missing or wrong. 3: refused. */
export type ExitCode = 1 | 2 | 3

/** An end before the deployment is complete. The message is the fault, in one line. */
export class DeployStop extends CliError {
  readonly exit: ExitCode
  readonly remedy: string

  constructor(exit: ExitCode, fault: string, remedy: string) {
    super(fault)
    this.exit = exit
    this.remedy = remedy
  }
}

const TOKENS = 'https://dash.cloudflare.com/profile/api-tokens'
/** Where an account registers its subdomain of workers.dev. */
export const WORKERS_DEV = 'https://dash.cloudflare.com/?to=/:account/workers/onboarding'
const RIGHTS =
  'of the account Workers Scripts Edit, D1 Edit, Queues Edit, SSL and Certificates Edit, Account Settings ' +
  'Read; of the zone Workers Routes Edit; User Details and Memberships Read'
const AGAIN = 'run the same command again: it continues where it stopped'

interface Failure {
  readonly sign: RegExp
  readonly exit?: ExitCode
  readonly remedy: string
}

/** The first that fits counts. Codes are Cloudflare's. */
const FAILURES: readonly Failure[] = [
  {
    sign: /necessary to set a CLOUDFLARE_API_TOKEN|You are not (?:logged in|authenticated)/i,
    exit: 2,
    remedy: `run \`npx wrangler login\`; in CI set CLOUDFLARE_API_TOKEN with these rights: ${RIGHTS}`,
  },
  {
    sign: /More than one account available/,
    exit: 2,
    remedy: 'name the account with --account ID or CLOUDFLARE_ACCOUNT_ID',
  },
  {
    sign: /d1\/database\S* answered 403|bindings must have a "database_id"/,
    remedy: `the token lacks D1 Edit: add it at ${TOKENS}, and run this again`,
  },
  {
    sign: /\/queues\S* answered 403/,
    remedy: `the token lacks Queues Edit: add it at ${TOKENS}, and run this again`,
  },
  {
    sign: /mtls_certificates.*(?:403|code: 10000)/s,
    remedy: 'the token lacks SSL and Certificates Edit: add it, and run this again',
  },
  {
    sign: /has another API key/,
    exit: 3,
    remedy:
      'the API_KEY that is kept here is of another server: put the right one into secrets.json',
  },
  {
    // 6003: the text has not the form of a token.
    sign: /code: (?:10000|6003)\b|answered 40[13]\b|Authentication (?:error|failed)|Unable to auth/i,
    remedy:
      'the login may not do this in this account. Run `npx wrangler login` again, or set ' +
      `CLOUDFLARE_API_TOKEN to a token with these rights: ${RIGHTS}`,
  },
  {
    sign: /register a workers\.dev subdomain/,
    exit: 2,
    remedy: `register one at ${WORKERS_DEV}, or give a host name of your own with --host`,
  },
  {
    sign: /code: 100117\b|externally managed DNS records/,
    remedy: 'delete the DNS records of this host name in the dashboard, and run this again',
  },
  {
    sign: /code: 10082\b|Can't infer zone|Could not find zone/i,
    remedy: 'add the domain as a zone to this account first, or deploy with another --host',
  },
  {
    sign: /code: 11004\b|already has a consumer/,
    remedy:
      'another Worker reads from the queue, and the code is live. Remove that consumer: ' +
      '`npx wrangler queues consumer remove QUEUE WORKER`. Then run this again',
  },
  {
    sign: /code: 10064\b|still in use as a consumer/,
    remedy:
      'a queue names this Worker as its consumer: `npx wrangler queues consumer remove QUEUE WORKER`. ' +
      'Then run this again',
  },
  {
    sign: /daily row write limit|exceeded D1's free tier/,
    remedy:
      'wait until midnight UTC, or change to the paid plan; known devices continue to work until then',
  },
  {
    sign: /code: (?:10042|10136)\b|enable R2/i,
    remedy:
      'turn R2 on at https://dash.cloudflare.com/?to=/:account/r2, or remove r2_buckets from your settings',
  },
  {
    sign: /code: 10072\b|too_many_crons/,
    remedy:
      'the code is live, but its daily duties are not scheduled: the free plan has five cron triggers an ' +
      'account. Remove one of another Worker, and run this again',
  },
  {
    sign: /required secrets have not been set|code: 10057\b/,
    remedy:
      'the Worker lacks API_KEY or SEAL_KEYS: give the file that has them with --secrets FILE',
  },
  {
    sign: /new_sqlite_classes/,
    remedy: 'the classes of objects need `storage = "sqlite"`: take the committed wrangler.toml',
  },
  {
    sign: /code: 10181\b/,
    remedy: 'wrangler.toml has a database_id that is not of this account: remove the line',
  },
  {
    sign: /requires at least Node/i,
    remedy: 'run `npm ci`: the project brings the Node that it runs on',
  },
  {
    sign: /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ECONNRESET|fetch failed|does not answer/,
    remedy: 'check that this machine reaches api.cloudflare.com, port 443, and run this again',
  },
  {
    sign: /SQLITE_ERROR|code: 75\d\d\b/,
    remedy:
      'D1 refused a statement. A migration that fails is undone, and those before it stay. ' +
      'Restore the committed migrations, and run this again',
  },
]

/** A failure in words, by its text. */
export function explainFailure(
  colourful: string,
  otherwise = AGAIN,
): { line: string; exit: ExitCode; remedy: string } {
  const text = stripVTControlCharacters(colourful)
  const known = FAILURES.find(({ sign }) => sign.test(text))
  const { exit = 1, remedy } = known ?? { remedy: otherwise }
  return { line: lineOf(text, known?.sign), exit, remedy }
}

/** What stands below every error of wrangler. */
const BOILERPLATE = /Logs were written to|If you think this is a bug/

/** Wrangler's own line: the one with the sign, else its first error with the reason below. */
function lineOf(text: string, sign: RegExp | undefined): string {
  const lines = text.split('\n').filter((line) => line.trim() && !BOILERPLATE.test(line))
  const plain = lines.map((line) => line.replace(/^[✘▲\s-]*(\[\w+\])?\s*/, '').trim())
  const first = lines.findIndex((line) => line.includes('[ERROR]'))
  const signed = sign && plain.find((line) => sign.test(line))
  const found = signed ?? (first === -1 ? plain.slice(-1) : plain.slice(first, first + 2)).join(' ')
  return found.slice(0, 500)
}

/** Every error as the end that it means. A fault of ours stays what it is. */
export function stopOf(error: unknown): DeployStop | undefined {
  if (error instanceof DeployStop) {
    return error
  }
  if (!(error instanceof CliError)) {
    return undefined
  }
  const { exit, remedy } = explainFailure(
    error.message,
    'correct that, and run the same command again',
  )
  return new DeployStop(exit, error.message, remedy)
}
