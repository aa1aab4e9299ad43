import { LATE } from '../control/beats.ts'
import type { Dated } from '../control/dated.ts'
import type { Trouble, Watched } from '../control/figures.ts'
import { DAILY_LIMIT, DAILY_LIMIT_TEXT } from '../reason.ts'
import { EXPIRY_KINDS, type ExpiryKind } from '../events/topics.ts'
import { EXPIRY_RULES } from './expiry-rules.ts'
import type { Facts } from './facts.ts'
import { MIGRATE, NONE, type Finding, type HealthCheck, type HealthLevel } from './finding.ts'
import { conditionFindings, GATHERED_CHECKS } from './inside-checks.ts'
import { daysLeft } from './notices.ts'

const DAY = 86_400_000

const CRON_FIX =
  'look at the cron triggers of the Worker in the dashboard, then deploy again: the free plan has five'

export const CHECKS: readonly HealthCheck[] = [
  {
    id: 'directory',
    title: 'The directory (D1) answers, is complete and has room',
    find: ({ directory, inside }) =>
      directory ? [directoryFinding(directory)] : conditionFindings(inside?.condition),
  },
  {
    id: 'control',
    title: 'The object with keys and figures answers',
    find: ({ control }) =>
      control
        ? [
            {
              level: 'error',
              text: `the object Control does not answer: ${control.reason}`,
              fix: 'wait, and look at the status of Cloudflare: API_KEY is good meanwhile',
              since: control.since,
            },
          ]
        : NONE,
  },
  {
    id: 'push.binding',
    title: 'Pushes can leave',
    find: ({ hasApns }) =>
      hasApns
        ? NONE
        : [
            {
              level: 'error',
              text: 'there is no push certificate: commands wait until a device connects by itself',
              fix: 'install one (docs/push-certificate.md)',
              since: 0,
            },
          ],
  },
  {
    id: 'push.circuit',
    title: 'APNs takes pushes',
    find: ({ standing }) => {
      const circuit = standing?.watched.circuit
      return circuit
        ? [
            {
              level: 'error',
              text: `pushes are held back: ${circuit.reason}`,
              fix: 'look at the push certificate, then at the status of Apple. It ends by itself',
              since: circuit.since,
            },
          ]
        : standing && NONE
    },
  },
  ...EXPIRY_KINDS.map((kind): HealthCheck => ({
    id: kind.replace('_', '.'),
    title: EXPIRY_RULES[kind].title,
    find: (facts) => endings(kind, facts),
  })),
  {
    id: 'webhooks',
    title: 'Receivers of webhooks answer',
    find: ({ standing }) => standing && webhookFindings(standing.watched.down),
  },
  {
    id: 'cron',
    title: 'The daily cron runs',
    find: ({ standing, now }) => standing && cronFindings(standing.beats, now),
  },
  {
    id: 'duties',
    title: 'The daily duties succeed',
    find: ({ standing }) => {
      const { failed = [], dutiesAt = 0 } = standing?.beats ?? {}
      return failed.length > 0
        ? [
            {
              level: 'warn',
              text: `the last daily duties failed: ${failed.join(', ')}`,
              fix: 'look at cron:failed in the log; they run again the next day',
              since: dutiesAt,
            },
          ]
        : standing && NONE
    },
  },
  ...GATHERED_CHECKS,
]

function directoryFinding({ since, reason }: Trouble): Finding {
  const found = (text: string, fix: string): Finding => ({ level: 'down', text, fix, since })
  if (DAILY_LIMIT.test(reason)) {
    return found(DAILY_LIMIT_TEXT, 'wait until 00:00 UTC, or take the Workers Paid plan')
  }
  return /no such (table|column)/.test(reason)
    ? found('the directory is not migrated', MIGRATE)
    : found(
        `the directory (D1) does not answer: ${reason}. Known devices go on; lists and enrolments wait`,
        'wait, and look at the status of Cloudflare',
      )
}

function cronFindings(
  { since, cronAt }: { readonly since: number; readonly cronAt: number },
  now: number,
): readonly Finding[] {
  const lateSince = Math.max(since, cronAt) + LATE
  const text =
    cronAt === 0
      ? 'the daily cron has never run'
      : `the daily cron ran last at ${new Date(cronAt).toISOString()}`
  return now < lateSince ? NONE : [{ level: 'warn', text, fix: CRON_FIX, since: lateSince }]
}

function endings(
  kind: ExpiryKind,
  { dated, now, standing }: Facts,
): readonly Finding[] | undefined {
  const things = dated.filter((thing) => thing.kind === kind)
  return things.length === 0 && !standing
    ? undefined
    : things.flatMap((thing) => endingOf(thing, now))
}

function endingOf({ kind, name, notAfter, count }: Dated, now: number): readonly Finding[] {
  const { noun, warnDays, fix } = EXPIRY_RULES[kind]
  const warnAt = notAfter - warnDays * DAY
  if (now < warnAt) {
    return NONE
  }
  const hasEnded = now >= notAfter
  const left = daysLeft(notAfter, now)
  const ends = hasEnded ? 'has ended' : `ends in ${left === 1 ? 'a day' : `${left} days`}`
  const subject = count === undefined ? `${noun} ${name}` : `${noun} (${count} in all)`
  return [
    {
      level: hasEnded ? 'error' : 'warn',
      text: `${subject} ${ends}: ${new Date(notAfter).toISOString().slice(0, 10)}`,
      fix,
      since: hasEnded ? notAfter : warnAt,
    },
  ]
}

/** Of several webhooks at one host each is named by its id too. The path of a URL may hold a secret. */
function webhookFindings(down: Watched['down']): readonly Finding[] {
  const hosts = Object.values(down).map(({ host }) => host)
  return Object.entries(down).map(([id, { since, reason, host }]) => {
    const isShared = hosts.indexOf(host) !== hosts.lastIndexOf(host)
    const name = host === undefined ? id : `at ${host}${isShared ? ` (${id})` : ''}`
    return {
      level: 'warn',
      text: `the receiver of the webhook ${name} is down: ${reason}`,
      fix: 'look at the receiver; its events wait for three days (docs/webhooks.md)',
      since,
      webhook: id,
    }
  })
}

/** Findings with the check that found them, the worst first. */
export function findingsOf(facts: Facts): readonly (Finding & { readonly id: string })[] {
  const order: readonly HealthLevel[] = ['down', 'error', 'warn']
  return CHECKS.flatMap(({ id, find }) =>
    (find(facts) ?? []).map((one) => ({ id, ...one })),
  ).toSorted((one, other) => order.indexOf(one.level) - order.indexOf(other.level))
}

/** Whether the server can do its work. */
export function isReady(facts: Facts): boolean {
  return findingsOf(facts).every(({ level }) => level !== 'down')
}
