/** The checks of `GET /api/health` that look at more than a probe may. */
import { DEP_SYNC_INTERVAL, type DepFlag } from '../dep/standing.ts'
import type { DirectoryCondition } from '../directory/health/condition.ts'
import { DAILY_LIMIT, DAILY_LIMIT_TEXT } from '../reason.ts'
import { configFindings } from './config-findings.ts'
import type { Facts } from './facts.ts'
import {
  failed,
  KEY_BACK,
  MIGRATE,
  NONE,
  warned,
  type Finding,
  type HealthCheck,
} from './finding.ts'
import type { AccountHealth, InsideFacts } from './inside.ts'

const DAY = 86_400_000
const MB = 1_000_000
/** A short read of D1 takes some ten milliseconds. */
const SLOW = 500
/** The sizes that a database may have: on the free plan, and on the paid one. */
const FREE_BYTES = 500 * MB
const PAID_BYTES = 10_000 * MB
/** The part of them from which on an admin should look. */
const FULL = 0.8

const RESTORE =
  'go back to a time before: `wrangler d1 time-travel restore DB --timestamp=…` (docs/upgrade.md)'

export const GATHERED_CHECKS: readonly HealthCheck[] = [
  {
    id: 'config',
    title: 'The settings fit the address and the keys',
    find: inside(configFindings),
  },
  {
    id: 'push.topic',
    title: 'The topic of pushes is known',
    find: inside(({ topic }, { hasApns }) =>
      hasApns && topic === ''
        ? [
            warned(
              'the topic of the push certificate is not known: profiles for enrolment have none',
              'set PUSH_CERTIFICATE to the certificate (docs/push-certificate.md)',
            ),
          ]
        : NONE,
    ),
  },
  {
    id: 'dep.sync',
    title: 'Apple Business Manager answers, and its list is new',
    find: inside(({ accounts }, { now }) => accounts?.flatMap((one) => accountFindings(one, now))),
  },
  {
    id: 'seal',
    title: 'The keys of sealed values are there',
    find: inside(sealFindings),
  },
  {
    id: 'version',
    title: 'The release is the one that the directory was migrated for',
    find: inside(({ condition }) =>
      condition?.unknown
        .slice(0, 1)
        .map((name) =>
          warned(
            `a later release has migrated the directory: ${name}`,
            'deploy that release: this one is older (docs/upgrade.md)',
          ),
        ),
    ),
  },
]

export function conditionFindings(condition: DirectoryCondition | undefined): readonly Finding[] {
  if (!condition) {
    return NONE
  }
  const { missing, missingTables, refusal, bytes, latency } = condition
  const most = bytes > FREE_BYTES ? PAID_BYTES : FREE_BYTES
  const faults: readonly (readonly [isFound: boolean, finding: Finding])[] = [
    [missing.length > 0, failed(`migrations were not applied: ${missing.join(', ')}`, MIGRATE)],
    [missingTables.length > 0, failed(`tables are missing: ${missingTables.join(', ')}`, RESTORE)],
    [refusal !== '', failed(...refusalWords(refusal))],
    [
      bytes > most * FULL,
      warned(
        `the directory has ${Math.round(bytes / MB)} MB of ${most / MB}`,
        bytes > FREE_BYTES
          ? 'delete devices that are gone, and moves that have ended'
          : 'the free plan ends there: take the Workers Paid plan, or delete devices that are gone',
      ),
    ],
    [
      latency > SLOW,
      warned(
        `a short read of the directory took ${latency} ms`,
        'ask again; if it stays, look at the status of Cloudflare and the place of the database',
      ),
    ],
  ]
  return faults.flatMap(([isFound, finding]) => (isFound ? [finding] : []))
}

function refusalWords(refusal: string): readonly [text: string, fix: string] {
  return DAILY_LIMIT.test(refusal)
    ? [DAILY_LIMIT_TEXT, 'wait until 00:00 UTC, or take the Workers Paid plan']
    : [`the directory takes no write: ${refusal}`, 'wait, and look at the status of Cloudflare']
}

const FLAGS: Readonly<Record<DepFlag, readonly [text: string, fix: string]>> = {
  terms: ['its new terms are not accepted', 'accept Apple’s terms at business.apple.com'],
  token_invalid: ['the token is not valid', 'import a new token (docs/apple-business-manager.md)'],
  access_denied: ['it denies access', 'look at the server entry at business.apple.com'],
}

function accountFindings(account: AccountHealth, now: number): readonly Finding[] {
  const { name, flag, since, tokenAt, lastSyncAt } = account
  if (flag !== '') {
    const [text, fix] = FLAGS[flag]
    return [{ ...failed(`Apple refuses the account ${name}: ${text}`, fix), since }]
  }
  const last = Math.max(tokenAt, lastSyncAt)
  return now - last < DAY
    ? NONE
    : [
        {
          ...warned(
            `the account ${name} was not synchronized for a day`,
            `POST /api/dep/accounts/{id}/sync says why: it is due each ${DEP_SYNC_INTERVAL / 60_000} minutes`,
          ),
          since: last,
        },
      ]
}

function sealFindings({
  config,
  sealed,
  accounts = [],
}: InsideFacts): readonly Finding[] | undefined {
  const { keyIds } = config.sealer
  const all = [
    ...(sealed ?? []),
    ...accounts.flatMap(({ name, sealKeys }) =>
      sealKeys.map((key) => ({ place: `the account ${name}`, key, count: 1 })),
    ),
  ]
  const lost = all.filter(({ key }) => !keyIds.includes(key))
  return (
    sealed &&
    [...Map.groupBy(lost, ({ key }) => key)].map(([key, values]) => {
      const places = values.map(({ place, count }) => `${place} (${count})`).join(', ')
      return failed(
        `values are sealed with the key ${key}, which is not there: ${places}`,
        KEY_BACK,
      )
    })
  )
}

function inside(
  find: (inside: InsideFacts, facts: Facts) => readonly Finding[] | undefined,
): HealthCheck['find'] {
  return (facts) => facts.inside && find(facts.inside, facts)
}
