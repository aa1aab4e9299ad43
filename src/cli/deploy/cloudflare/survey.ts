/** What the account has already under the names of a deployment. */
import type { CloudflareApi } from './api.ts'
import type { DeployNames } from '../config.ts'
import { ifForbidden, listWorkers, mapSome, parsed } from './lists.ts'
import { type FoundQueue, surveyQueue } from './queue.ts'

/** A binding of a deployed Worker, with the fields that are used. */
export interface DeployedBinding {
  readonly type: string
  readonly name: string
  readonly class_name?: string
  readonly id?: string
  readonly database_id?: string
  readonly certificate_id?: string
  readonly text?: string
}

export interface DeployedWorker {
  readonly bindings: readonly DeployedBinding[]
  /** The version that serves; undefined for a Worker without a deployment. */
  readonly versionId: string | undefined
  /** When it was deployed, ms; 0 if that is unknown. */
  readonly deployedAt: number
  /** Whether it answers at workers.dev. */
  readonly workersDev: boolean
}

/** Whether a Worker runs this program. */
export function hasOurCode({ bindings }: DeployedWorker): boolean {
  return bindings.some(
    ({ type, name, class_name: className }) =>
      type === 'durable_object_namespace' && name === 'DEVICE' && className === 'Device',
  )
}

export interface FoundDatabase {
  readonly id: string
  /** Names of the migrations that it has had. */
  readonly migrations: readonly string[]
  /** Other Workers that bind it. */
  readonly boundBy: readonly string[]
}

export interface Survey {
  /** The account's subdomain of workers.dev. */
  readonly subdomain: string | undefined
  readonly worker: DeployedWorker | undefined
  readonly database: FoundDatabase | undefined
  readonly queue: FoundQueue | undefined
  /** Custom domains of the account: host name and Worker. */
  readonly domains: readonly { readonly hostname: string; readonly service: string }[]
}

/** Of an account in which nothing is known to be. */
export const NOTHING_FOUND: Survey = {
  subdomain: undefined,
  worker: undefined,
  database: undefined,
  queue: undefined,
  domains: [],
}

/**
 * @param knownDatabase the id of the D1 that the deployment has made: no other Worker is asked about it
 * @throws CloudflareError
 */
export async function surveyAccount(
  api: CloudflareApi,
  account: string,
  names: DeployNames,
  knownDatabase: string | undefined,
): Promise<Survey> {
  const at = `/accounts/${account}`
  const [subdomain, worker, database, queue, domains] = await Promise.all([
    api.read(`${at}/workers/subdomain`),
    findWorker(api, at, names.worker),
    findDatabase(api, at, names, knownDatabase),
    surveyQueue(api, at, names),
    // A token for Workers alone may not list domains. The deploy says what is wrong with one.
    api.read(`${at}/workers/domains`).catch(ifForbidden),
  ])
  const { result: own }: { result: { subdomain: string } | null } = parsed(subdomain, null)
  const { result: known }: { result: Survey['domains'] } = parsed(domains, [])
  return { subdomain: own?.subdomain, worker, database, queue, domains: known }
}

/** The Worker of this name, as it is deployed. @throws CloudflareError */
export async function findWorker(
  api: CloudflareApi,
  at: string,
  name: string,
): Promise<DeployedWorker | undefined> {
  const script = `${at}/workers/scripts/${name}`
  const [settings, deployments, subdomain] = await Promise.all([
    api.read(`${script}/settings`),
    api.read(`${script}/deployments`),
    api.read(`${script}/subdomain`),
  ])
  if (settings === undefined) {
    return undefined
  }
  const { result: found }: { result: { bindings?: DeployedBinding[] } } = JSON.parse(settings)
  const { result: made }: { result: { deployments: DeploymentEntry[] } } = parsed(deployments, {
    deployments: [],
  })
  const { result: open }: { result: { enabled: boolean } } = parsed(subdomain, { enabled: false })
  const latest = made.deployments.toSorted((a, b) => (a.created_on < b.created_on ? 1 : -1))[0]
  return {
    bindings: found.bindings ?? [],
    versionId: latest?.versions[0]?.version_id,
    deployedAt: latest ? Date.parse(latest.created_on) : 0,
    workersDev: open.enabled,
  }
}

interface DeploymentEntry {
  readonly created_on: string
  readonly versions: readonly { readonly version_id: string }[]
}

async function findDatabase(
  api: CloudflareApi,
  at: string,
  { database: name, worker }: DeployNames,
  known: string | undefined,
): Promise<FoundDatabase | undefined> {
  const listed = await api.read(`${at}/d1/database?name=${encodeURIComponent(name)}&per_page=100`)
  const { result }: { result: { uuid: string; name: string }[] } = parsed(listed, [])
  const id = result.find((one) => one.name === name)?.uuid
  if (id === undefined) {
    return undefined
  }
  const [migrations, boundBy] = await Promise.all([
    listApplied(api, at, id),
    id === known ? [] : findBinders(api, at, id, worker),
  ])
  return { id, migrations, boundBy }
}

/** Names of the migrations that a D1 has had, by wrangler's own table. @throws CloudflareError */
export async function listApplied(
  api: CloudflareApi,
  at: string,
  database: string,
): Promise<readonly string[]> {
  const ask = async (sql: string): Promise<readonly string[]> => {
    const text = await api.send('POST', `${at}/d1/database/${database}/query`, { sql })
    const { result }: { result: { results: { name: string }[] }[] } = JSON.parse(text)
    return result[0]?.results.map(({ name }) => name) ?? []
  }
  const tables = await ask("SELECT name FROM sqlite_master WHERE name = 'd1_migrations'")
  return tables.length === 0 ? [] : ask('SELECT name FROM d1_migrations')
}

/** The devices that a D1 knows as enrolled. @throws CloudflareError */
export async function countEnrolledAt(
  api: CloudflareApi,
  at: string,
  database: string,
): Promise<number> {
  const sql = 'SELECT count(*) AS enrolled FROM devices WHERE enrolled AND NOT hidden'
  const text = await api.send('POST', `${at}/d1/database/${database}/query`, { sql })
  const { result }: { result: { results: { enrolled: number }[] }[] } = JSON.parse(text)
  return result[0]?.results[0]?.enrolled ?? 0
}

/**
 * Other Workers with a D1. Cloudflare lists none: the bindings of each Worker tell.
 * @throws CloudflareError
 */
export async function findBinders(
  api: CloudflareApi,
  at: string,
  database: string,
  self: string,
): Promise<readonly string[]> {
  const names = (await listWorkers(api, at)).filter((name) => name !== self)
  const users = await mapSome(names, async (name) => {
    const { result }: { result: { bindings?: DeployedBinding[] } } = parsed(
      await api.read(`${at}/workers/scripts/${name}/settings`),
      {},
    )
    return (result.bindings ?? []).some((one) => databaseOf(one) === database) ? [name] : []
  })
  return users.flat()
}

export function databaseOf({ type, id, database_id: named }: DeployedBinding): string | undefined {
  return type === 'd1' ? (named ?? id) : undefined
}

/** The Workers that hold cron triggers, of which an account on the free plan has five. */
export async function findCronHolders(
  api: CloudflareApi,
  account: string,
): Promise<readonly string[]> {
  const at = `/accounts/${account}`
  const holders = await mapSome(await listWorkers(api, at), async (name) => {
    const { result }: { result: { schedules: unknown[] } } = parsed(
      await api.read(`${at}/workers/scripts/${name}/schedules`),
      { schedules: [] },
    )
    return result.schedules.length > 0 ? [`${name} (${result.schedules.length})`] : []
  })
  return holders.flat()
}
