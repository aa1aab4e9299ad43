import { expect, it } from 'vitest'
import { CliError } from '../../../../src/cli/error.ts'
import { DeployStop, explainFailure, stopOf } from '../../../../src/cli/deploy/failures.ts'

/** As wrangler 4.164.0 prints them, or as issues quote them: line, exit code, a word of the remedy. */
const FAILURES: readonly (readonly [line: string, exit: number, remedy: string])[] = [
  [
    "In a non-interactive environment, it's necessary to set a CLOUDFLARE_API_TOKEN environment variable",
    2,
    'npx wrangler login',
  ],
  [
    'More than one account available but unable to select one in non-interactive mode.',
    2,
    '--account',
  ],
  ['The following required secrets have not been set: API_KEY, SEAL_KEYS', 1, '--secrets FILE'],
  ['`DB` bindings must have a "database_id" field. ', 1, 'D1 Edit'],
  ['GET /accounts/a/d1/database?name=x answered 403: no [code: 10000]', 1, 'D1 Edit'],
  ['GET /accounts/a/queues?name=x answered 403: no [code: 10000]', 1, 'Queues Edit'],
  ['Authentication error [code: 10000]', 1, 'Workers Scripts Edit'],
  ['GET /accounts answered 400: Invalid request headers [code: 6003]', 1, 'CLOUDFLARE_API_TOKEN'],
  ['You need to register a workers.dev subdomain before publishing', 2, '--host'],
  [
    "Hostname 'x' already has externally managed DNS records (A, CNAME, etc). [code: 100117]",
    1,
    'DNS',
  ],
  ["Can't infer zone from route 1 [code: 10082]", 1, 'zone'],
  ['Queue already has a consumer [code: 11004]', 1, 'consumer remove'],
  ["The Worker 'x' is still in use as a consumer of a queue [code: 10064]", 1, 'consumer remove'],
  ["Your account has exceeded D1's free tier daily row write limit.", 1, 'midnight UTC'],
  ['create a namespace using a new_sqlite_classes migration.', 1, 'storage = "sqlite"'],
  ['Please enable R2 through the Cloudflare Dashboard. [code: 10042]', 1, 'r2_buckets'],
  ['workers.api.error.too_many_crons [code: 10072]', 1, 'five cron triggers'],
  ['binding DB of type d1 must have a valid `id` specified [code: 10181]', 1, 'database_id'],
  ['table devices already exists: SQLITE_ERROR [code: 7500]', 1, 'migration'],
  ['Wrangler requires at least Node.js v22.0.0.', 1, 'npm ci'],
  ['request to https://api.cloudflare.com failed, reason: getaddrinfo ENOTFOUND', 1, 'port 443'],
  ['A request to the Cloudflare API failed. [code: 10013]', 1, 'continues where it stopped'],
]

it.each(FAILURES)('%s', (line, exit, remedy) => {
  const output = `Total Upload: 10 KiB\nUploaded\n✘ [ERROR] ${line}\n\n  Logs were written to x\n`
  expect(explainFailure(output)).toEqual({
    line: line.trim(),
    exit,
    remedy: expect.stringContaining(remedy),
  })
})

it('an unknown failure is shown in wrangler’s words and with its reason, without colours', () => {
  const output = [
    '\u001B[31m✘ \u001B[41;31m[\u001B[41;97mERROR\u001B[41;31m]\u001B[0m \u001B[1mA request failed.\u001B[0m',
    '',
    '  No route for that URI [code: 7000]',
    '',
    '  If you think this is a bug, please open an issue at: https://example.com',
    'Starting asset upload...',
  ].join('\n')
  expect(explainFailure(output).line).toBe('A request failed. No route for that URI [code: 7000]')
})

it('an error of the user has a remedy, and a fault of ours is no end of a deploy', () => {
  expect(stopOf(new CliError('the file is odd'))).toMatchObject({
    exit: 1,
    message: 'the file is odd',
  })
  expect(
    stopOf(new CliError('https://h/api/ca answered 401: it has another API key')),
  ).toMatchObject({
    exit: 3,
  })
  const stop = new DeployStop(3, 'a', 'b')
  expect(stopOf(stop)).toBe(stop)
  expect(stopOf(new TypeError('x is undefined'))).toBeUndefined()
})
