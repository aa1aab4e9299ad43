/** The plan of the account, and what all its Workers used of the free plan's days (docs/cost.md). */
import { CloudflareError } from '../../deploy/cloudflare/api.ts'
import type { DoctorAccount, DoctorVerdict } from '../check.ts'
import { readResult } from './allowed.ts'

const DAY = 86_400_000
const WARN_AT = 0.7

/** A limit of a day on the free plan, with its figure in Cloudflare's GraphQL Analytics API. */
const WALLS = [
  ['Worker requests', 'workersInvocationsAdaptive', 'requests', 100_000],
  ['object requests', 'durableObjectsInvocationsAdaptiveGroups', 'requests', 100_000],
  ['rows written in objects', 'durableObjectsPeriodicGroups', 'rowsWritten', 100_000],
  ['GB-s of objects', 'durableObjectsPeriodicGroups', 'duration', 13_000],
  ['rows written in D1', 'd1AnalyticsAdaptiveGroups', 'rowsWritten', 100_000],
  ['rows read in D1', 'd1AnalyticsAdaptiveGroups', 'rowsRead', 5_000_000],
  ['queue operations', 'queueMessageOperationsAdaptiveGroups', 'billableOperations', 10_000],
] as const

type Figures = Readonly<
  Record<string, readonly { readonly sum: Readonly<Record<string, number>> }[]>
>

const DATASETS = [...Map.groupBy(WALLS, ([, dataset]) => dataset)].map(([dataset, walls]) => {
  const sums = walls.map(([, , figure]) => figure).join(' ')
  return `${dataset}(limit: 100, filter: { date: $day }) { sum { ${sums} } }`
})
const QUERY =
  'query Usage($account: String!, $day: Date!) { viewer { accounts(filter: { accountTag: $account }) { ' +
  `${DATASETS.join(' ')} } } }`

/** @throws CloudflareError */
export async function checkUsage(found: DoctorAccount, now: number): Promise<DoctorVerdict> {
  const plan = await readPlan(found)
  const day = new Date(now - DAY).toISOString().slice(0, 10)
  if (plan === 'paid') {
    return { level: 'ok', seen: 'Workers Paid: no limit of a day stops this server' }
  }
  const figures = await readFigures(found, day)
  if (typeof figures === 'string') {
    return { level: 'skip', seen: figures }
  }
  const used = WALLS.map(([name, dataset, figure, limit]) => {
    const sum = (figures[dataset] ?? []).reduce((total, row) => total + (row.sum[figure] ?? 0), 0)
    return { share: sum / limit, text: `${Math.round((100 * sum) / limit)} % of the ${name}` }
  }).toSorted((one, other) => other.share - one.share)
  const high = used.filter(({ share }) => share > WARN_AT)
  const label = plan === 'free' ? 'Workers Free' : 'the plan is unknown without Billing Read'
  const shown = (high.length > 0 ? high : used.slice(0, 1)).map(({ text }) => text).join(', ')
  const seen = `${label}; of its day, ${day} used ${shown}`
  return high.length === 0
    ? { level: 'ok', seen }
    : {
        level: 'warn',
        seen,
        want: `at most ${100 * WARN_AT} % of each limit of the free plan`,
        fix: 'take the Workers Paid plan: behind a limit, calls fail until 00:00 UTC (docs/cost.md)',
      }
}

/** `unknown`: the login may not read subscriptions. */
async function readPlan({ api, account }: DoctorAccount): Promise<'free' | 'paid' | 'unknown'> {
  try {
    const path = `/accounts/${account.id}/subscriptions`
    const all = await readResult<readonly Subscription[]>(api, path, [])
    const isPaid = all.some(({ rate_plan: { id = '', public_name: name = '' } = {} }) =>
      /workers[ _-](?:paid|ent)/i.test(`${id} ${name}`),
    )
    return isPaid ? 'paid' : 'free'
  } catch (error) {
    if (error instanceof CloudflareError && [401, 403].includes(error.status)) {
      return 'unknown'
    }
    throw error
  }
}

interface Subscription {
  readonly rate_plan?: { readonly id?: string; readonly public_name?: string }
}

/** The figures of a day; a text says why there are none. GraphQL refuses with the status 200. */
async function readFigures(
  { api, account }: DoctorAccount,
  day: string,
): Promise<Figures | string> {
  const text = await api.send('POST', '/graphql', {
    query: QUERY,
    variables: { account: account.id, day },
  })
  const { data, errors }: GraphQLAnswer = JSON.parse(text)
  const [figures] = data?.viewer?.accounts ?? []
  const [complaint] = errors ?? []
  if (complaint) {
    return `the figures are refused: ${complaint.message}. A token needs Account Analytics Read`
  }
  return figures ?? 'there are no figures of this account'
}

interface GraphQLAnswer {
  readonly data?: { readonly viewer?: { readonly accounts?: readonly Figures[] } } | null
  readonly errors?: readonly { readonly message: string }[] | null
}
