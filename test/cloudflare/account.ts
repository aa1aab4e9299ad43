import { randomBytes, randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'

/** A binding as an upload's metadata names it, with the text of a secret or var. */
export interface Binding {
  readonly name: string
  readonly type: string
  readonly [field: string]: unknown
}

/** What an upload says beside its bindings, as far as the fake reads or shows it. */
export interface Metadata {
  readonly annotations?: unknown
  readonly compatibility_date?: unknown
  readonly compatibility_flags?: unknown
  readonly observability?: unknown
  readonly exports?: unknown
  readonly keep_bindings?: unknown
  readonly code_update_strategy?: unknown
}

export interface Version {
  readonly id: string
  readonly number: number
  readonly created: string
  readonly bindings: readonly Binding[]
  readonly metadata: Metadata
  /** Names of the uploaded modules. */
  readonly modules: readonly string[]
}

export interface Deployment {
  readonly id: string
  readonly source: string
  readonly strategy: 'percentage'
  readonly author_email: string
  readonly created_on: string
  readonly annotations?: unknown
  readonly versions: readonly { readonly version_id: string; readonly percentage: number }[]
}

export interface Worker {
  readonly name: string
  readonly tag: string
  readonly created: string
  /** Oldest first. */
  readonly versions: Version[]
  readonly deployments: Deployment[]
  /** Durable Object classes that have a namespace. */
  readonly classes: Set<string>
  /** `dash` after an edit in the dashboard. */
  source: 'wrangler' | 'dash' | 'api'
  subdomain: { enabled: boolean; previews_enabled: boolean }
  crons: readonly string[]
  settings: { readonly tags?: unknown; readonly observability?: unknown }
}

export interface Database {
  readonly uuid: string
  readonly name: string
  readonly created_at: string
  readonly sql: DatabaseSync
}

export interface Consumer {
  readonly consumer_id: string
  readonly type: string
  readonly script: string
  readonly settings: unknown
}

export interface Queue {
  readonly queue_id: string
  readonly queue_name: string
  readonly created_on: string
  readonly consumers: Consumer[]
}

export interface MtlsCertificate {
  readonly id: string
  readonly name: string
  readonly certificates: string
  readonly issuer: string
  readonly serial_number: string
  readonly uploaded_on: string
  readonly expires_on: string
  readonly ca: boolean
}

export interface Zone {
  readonly id: string
  readonly name: string
  readonly routes: { readonly id: string; readonly pattern: string; readonly script: string }[]
}

export interface CustomDomain {
  readonly id: string
  readonly hostname: string
  readonly service: string
  readonly zone_id: string
  readonly zone_name: string
}

/** All that one Cloudflare account holds. Tests read it, and may change it as a person in the dashboard would. */
export interface Account {
  readonly id: string
  readonly name: string
  /** Of workers.dev; `undefined` until it is registered. */
  subdomain: string | undefined
  readonly workers: Map<string, Worker>
  readonly databases: Database[]
  /** Files for `d1 execute --file`, by name. */
  readonly uploads: Map<string, string>
  /** Hashes of the files that Workers serve. */
  readonly assets: Set<string>
  readonly queues: Queue[]
  readonly certificates: MtlsCertificate[]
  readonly zones: Zone[]
  readonly domains: CustomDomain[]
  /** Applications of Access; `undefined` until Access is turned on. */
  accessApps: readonly unknown[] | undefined
  plan: 'free' | 'paid'
  /** Sums by dataset of the GraphQL Analytics API, by day; `undefined` for a login that may not read them. */
  usage: Map<string, Readonly<Record<string, Readonly<Record<string, number>>>>> | undefined
}

export const EMAIL = 'admin@example.com'

/** 32 hexadecimal digits, as Cloudflare names accounts, zones and queues. */
export const newId = (): string => randomBytes(16).toString('hex')

export const now = (): string => new Date().toISOString()

export function newAccount(
  name: string,
  subdomain: string | undefined,
  zones: readonly string[],
): Account {
  return {
    id: newId(),
    name,
    subdomain,
    workers: new Map(),
    databases: [],
    uploads: new Map(),
    assets: new Set(),
    queues: [],
    certificates: [],
    zones: zones.map((zone) => ({ id: newId(), name: zone, routes: [] })),
    domains: [],
    accessApps: undefined,
    plan: 'free',
    usage: new Map(),
  }
}

/** The version that has all traffic, or most of it. */
export function activeVersion(worker: Worker | undefined): Version | undefined {
  const shares = worker?.deployments.at(-1)?.versions ?? []
  const largest = shares.toSorted((one, other) => other.percentage - one.percentage)[0]
  return worker?.versions.find(({ id }) => id === largest?.version_id)
}

/** A Worker that another tool has deployed. */
export function addWorker(
  account: Account,
  name: string,
  bindings: readonly Binding[],
  crons: readonly string[] = [],
): Worker {
  const worker: Worker = {
    name,
    tag: name,
    created: '',
    versions: [],
    deployments: [],
    classes: new Set(),
    source: 'wrangler',
    subdomain: { enabled: true, previews_enabled: false },
    crons,
    settings: {},
  }
  const { id } = addVersion(worker, { bindings, metadata: {}, modules: [] })
  deployVersions(worker, [{ version_id: id, percentage: 100 }])
  account.workers.set(name, worker)
  return worker
}

export function addVersion(
  worker: Worker,
  content: Pick<Version, 'bindings' | 'metadata' | 'modules'>,
): Version {
  const version = {
    ...content,
    id: randomUUID(),
    number: worker.versions.length + 1,
    created: now(),
  }
  worker.versions.push(version)
  return version
}

export function deployVersions(
  worker: Worker,
  versions: Deployment['versions'],
  annotations?: unknown,
): Deployment {
  const deployment: Deployment = {
    id: randomUUID(),
    source: 'wrangler',
    strategy: 'percentage',
    author_email: EMAIL,
    created_on: now(),
    annotations,
    versions,
  }
  worker.deployments.push(deployment)
  return deployment
}

/** What an edit of secrets or vars does: a new version with other bindings, deployed at once. */
export function changeBindings(
  worker: Worker,
  change: (bindings: readonly Binding[]) => readonly Binding[],
): void {
  const active = activeVersion(worker)
  const { metadata, modules, bindings } = active ?? { metadata: {}, modules: [], bindings: [] }
  const { id } = addVersion(worker, { metadata, modules, bindings: change(bindings) })
  deployVersions(worker, [{ version_id: id, percentage: 100 }])
}
