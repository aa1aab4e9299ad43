/** How the Worker is deployed: its versions, its queue, its logs, and others that use what is its own. */
import { surveyQueue } from '../../deploy/cloudflare/queue.ts'
import { databaseOf, type DeployedBinding, findBinders } from '../../deploy/cloudflare/survey.ts'
import type { DoctorAccount, DoctorVerdict } from '../check.ts'
import { type CheckFault, combineFaults } from '../findings.ts'
import { readResult } from './allowed.ts'

interface Settings {
  readonly bindings?: readonly (DeployedBinding & { readonly queue_name?: string })[]
  readonly observability?: {
    readonly enabled?: boolean
    readonly head_sampling_rate?: number
    readonly logs?: {
      readonly enabled?: boolean
      readonly invocation_logs?: boolean
      readonly head_sampling_rate?: number
    }
  }
}

const NO_QUEUE = { isRead: false, readers: [], stale: [] }
const DEPLOY = 'run `npm run deploy`'

/** @throws CloudflareError */
export async function checkConsumer(found: DoctorAccount): Promise<DoctorVerdict> {
  const { api, account, worker } = found
  const name = queueOf(await readSettings(found))
  if (name === undefined) {
    return { level: 'fail', seen: `the Worker ${worker} has no queue EVENTS`, fix: DEPLOY }
  }
  const { isRead, readers, stale } =
    (await surveyQueue(api, `/accounts/${account.id}`, { queue: name, worker })) ?? NO_QUEUE
  const want = `one consumer, ${worker}`
  if (readers.length > 0) {
    return {
      level: 'fail',
      seen: `${readers.join(' and ')} takes events out of the queue ${name}`,
      want,
      fix: `remove it: \`npx wrangler queues consumer remove ${name} WORKER\`, then ${DEPLOY}`,
    }
  }
  if (stale.length > 0) {
    const gone = stale.map((one) => one.worker).join(' and ')
    const seen = `the consumer of the queue ${name} is ${gone}, a Worker that is gone`
    return { level: 'fail', seen, want, fix: `${DEPLOY}, which removes it` }
  }
  return isRead
    ? { level: 'ok', seen: `the queue ${name} has one consumer, ${worker}` }
    : { level: 'fail', seen: `the queue ${name} has no consumer`, want, fix: DEPLOY }
}

/** @throws CloudflareError */
export async function checkVersions({
  api,
  account,
  worker,
}: DoctorAccount): Promise<DoctorVerdict> {
  interface Deployment {
    readonly created_on: string
    readonly versions: readonly { readonly version_id: string; readonly percentage: number }[]
  }
  const path = `/accounts/${account.id}/workers/scripts/${worker}/deployments`
  const { deployments } = await readResult<{ deployments: readonly Deployment[] }>(api, path, {
    deployments: [],
  })
  const [latest] = deployments.toSorted((a, b) => (a.created_on < b.created_on ? 1 : -1))
  const versions = latest?.versions ?? []
  const [only, ...others] = versions
  if (only && others.length === 0) {
    return { level: 'ok', seen: `the version ${only.version_id} has all requests` }
  }
  const shares = versions.map(({ version_id: id, percentage }) => `${percentage} % ${id}`)
  return {
    level: 'warn',
    seen: `the requests are split: ${shares.join(', ') || 'no version is deployed'}`,
    want: 'one version with 100 %',
    fix: `end the roll-out: \`npx wrangler versions deploy VERSION@100% --name ${worker}\`, or ${DEPLOY}`,
  }
}

/** @throws CloudflareError */
export async function checkLogsAndNames(found: DoctorAccount): Promise<DoctorVerdict> {
  const { api, account, worker } = found
  const at = `/accounts/${account.id}`
  const settings = await readSettings(found)
  const database = (settings.bindings ?? []).map(databaseOf).find((id) => id !== undefined)
  const name = queueOf(settings)
  const [binders, queue] = await Promise.all([
    database === undefined ? [] : findBinders(api, at, database, worker),
    name === undefined ? undefined : surveyQueue(api, at, { queue: name, worker }),
  ])
  return combineFaults(
    [
      ...shared(binders, 'the D1'),
      ...shared(queue?.writers ?? [], 'the queue'),
      ...logFaults(settings),
    ],
    'logs are on, without a record of each call; no other Worker has this D1 or queue',
  )
}

/** Workers that use what one deployment alone should. */
function shared(users: readonly string[], what: string): readonly CheckFault[] {
  return users.map((user) => ({
    level: 'fail',
    seen: `the Worker ${user} uses ${what} of this server too`,
    fix: `take the binding out of ${user}, or deploy it with names of its own (docs/deploy.md)`,
  }))
}

function logFaults({ observability: { enabled, head_sampling_rate: rate, logs } = {} }: Settings) {
  const faults: readonly (false | Omit<CheckFault, 'level'>)[] = [
    (enabled !== true || logs?.enabled === false) && {
      seen: 'Workers Logs are off: after a fault there is nothing to look at',
      fix: `set observability.enabled = true, and ${DEPLOY}`,
    },
    enabled === true &&
      logs?.invocation_logs !== false && {
        seen: 'each call is logged, which fills the free amount of logs',
        fix: `set observability.logs.invocation_logs = false, and ${DEPLOY} (docs/health.md)`,
      },
    (logs?.head_sampling_rate ?? rate ?? 1) < 1 && {
      seen: 'logs are sampled: warnings are lost with the calls that are left out',
      fix: `set observability.logs.head_sampling_rate = 1, and ${DEPLOY}`,
    },
  ]
  return faults.flatMap((fault): readonly CheckFault[] =>
    fault ? [{ level: 'warn', ...fault }] : [],
  )
}

function readSettings({ api, account, worker }: DoctorAccount): Promise<Settings> {
  return readResult(api, `/accounts/${account.id}/workers/scripts/${worker}/settings`, {})
}

function queueOf({ bindings = [] }: Settings): string | undefined {
  return bindings.find(({ type, name }) => type === 'queue' && name === 'EVENTS')?.queue_name
}
