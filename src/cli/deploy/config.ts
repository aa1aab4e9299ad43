/** The configuration of one deployment, from the committed wrangler.toml. Pure. */
import { posix } from 'node:path'
import type { Unstable_RawConfig } from 'wrangler'
import { CliError } from '../error.ts'
import { DeployStop } from './failures.ts'

/** A configuration of wrangler, as it stands in a file. */
export type RawConfig = Unstable_RawConfig

/** What a deployment owns in its account. */
export interface DeployNames {
  readonly worker: string
  readonly database: string
  readonly queue: string
}

export interface BoundPush {
  readonly certificateId: string
  /** PEM; absent when only the binding is known. */
  readonly certificate?: string
}

/** What the answers and the account add to the committed file. */
export interface ConfigFacts {
  readonly names: DeployNames
  readonly account: string | undefined
  /** Custom domains, the one of PUBLIC_URL first. */
  readonly hosts: readonly string[]
  /** The host that devices are sent to, if it was chosen here. */
  readonly host: string | undefined
  /** Whether workers.dev answers beside the custom domains. */
  readonly workersDev: boolean
  readonly push: BoundPush | undefined
  /** The user's settings, in the form of wrangler.toml. */
  readonly own: RawConfig
}

/** What goes to the Worker as a secret: to wrangler in a file, and to no child in its environment. */
export const SECRET_NAMES: readonly string[] = [
  'API_KEY',
  'API_KEY_PREVIOUS',
  'SEAL_KEYS',
  'SETUP_CODE',
]

/** Keys that follow from the deployment's name. A line of the user's would bind things of another one. */
const OWNED: ReadonlySet<string> = new Set([
  'name',
  'main',
  'account_id',
  'd1_databases',
  'queues',
  'durable_objects',
  'exports',
  'migrations',
  'secrets',
])

/**
 * The names of a deployment. One with the name in the file keeps the names that the file has. So does a file
 * with the id of a database: a clone that Cloudflare has made for itself.
 *
 * @throws CliError for a file without D1 or queue
 */
export function deployNames(committed: RawConfig, worker: string): DeployNames {
  const database = committed.d1_databases?.[0]
  const queue = committed.queues?.producers?.[0]?.queue
  if (database?.database_name === undefined || queue === undefined) {
    throw new CliError('wrangler.toml names no D1 database or no queue: take the committed file')
  }
  return committed.name === worker || database.database_id !== undefined
    ? { worker, database: database.database_name, queue }
    : { worker, database: worker, queue: `${worker}-events` }
}

/**
 * Every key of the committed file, with the names of the deployment, and with paths as they are from the
 * folder of the generated file. The user's settings come last.
 *
 * @param up the path from that folder to the project
 * @throws DeployStop for settings that name what belongs to the deployment, or a secret
 */
export function deployConfig(committed: RawConfig, up: string, facts: ConfigFacts): RawConfig {
  const { names, account, hosts, host, workersDev, push, own } = facts
  refuseOwned(own)
  const path = (text: string): string => posix.join(up, text)
  const routes = [...(committed.routes ?? []), ...missingRoutes(committed, hosts)]
  const vars = {
    ...(host === undefined ? {} : { PUBLIC_URL: `https://${host}` }),
    ...(push?.certificate === undefined ? {} : { PUSH_CERTIFICATE: push.certificate }),
  }
  return merged(
    {
      ...committed,
      name: names.worker,
      ...(account === undefined ? {} : { account_id: account }),
      ...(committed.main === undefined ? {} : { main: path(committed.main) }),
      ...(committed.assets?.directory === undefined
        ? {}
        : { assets: { ...committed.assets, directory: path(committed.assets.directory) } }),
      ...databasesOf(committed, names, path),
      ...queuesOf(committed, names),
      ...(routes.length === 0 ? {} : { routes }),
      ...(hosts.length === 0 ? {} : { workers_dev: workersDev, preview_urls: false }),
      ...(push === undefined
        ? {}
        : { mtls_certificates: [{ binding: 'APNS', certificate_id: push.certificateId }] }),
      ...(Object.keys(vars).length === 0 ? {} : { vars: { ...committed.vars, ...vars } }),
    },
    own,
  )
}

/** @throws DeployStop */
function refuseOwned(own: RawConfig): void {
  const owned = Object.keys(own).find((key) => OWNED.has(key))
  if (owned !== undefined) {
    const fault = `${owned} in the settings: it follows from the deployment`
    throw new DeployStop(2, fault, 'remove it there')
  }
  const keys = [...Object.keys(own), ...Object.keys(own.vars ?? {}).map((name) => `vars.${name}`)]
  const secret = keys.find((key) => SECRET_NAMES.includes(key.replace('vars.', '')))
  if (secret !== undefined) {
    const fault = `${secret} in the settings: it is a secret and no setting`
    throw new DeployStop(2, fault, 'remove it there (docs/deploy.md says where secrets are)')
  }
}

function databasesOf(
  { d1_databases: databases }: RawConfig,
  { database }: DeployNames,
  path: (text: string) => string,
): RawConfig {
  return {
    d1_databases: (databases ?? []).map((one, n) => ({
      ...one,
      ...(n === 0 ? { database_name: database } : {}),
      ...(one.migrations_dir === undefined ? {} : { migrations_dir: path(one.migrations_dir) }),
    })),
  }
}

function queuesOf({ queues = {} }: RawConfig, { queue }: DeployNames): RawConfig {
  const { producers = [], consumers = [] } = queues
  return {
    queues: {
      ...queues,
      producers: producers.map((one) => ({ ...one, queue })),
      consumers: consumers.map((one) => ({ ...one, queue })),
    },
  }
}

function missingRoutes({ routes = [] }: RawConfig, hosts: readonly string[]) {
  const known = new Set(routes.map((route) => (typeof route === 'string' ? route : route.pattern)))
  return hosts
    .filter((host) => !known.has(host))
    .map((pattern) => ({ pattern, custom_domain: true }))
}

/** Tables are merged. Of all other values, that of the settings counts. */
function merged(config: RawConfig, own: RawConfig): RawConfig {
  return mergeTables(config, own)
}

function mergeTables(one: object, other: object): object {
  const both = new Map(Object.entries(one))
  for (const [key, value] of Object.entries(other)) {
    const before: unknown = both.get(key)
    both.set(key, isTable(before) && isTable(value) ? mergeTables(before, value) : value)
  }
  return Object.fromEntries(both)
}

function isTable(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The keys in which two configurations differ; a var by its name. Of the values nothing is told. */
export function differencesOf(before: RawConfig, after: RawConfig): readonly string[] {
  const flat = (config: RawConfig): ReadonlyMap<string, string> =>
    new Map(
      Object.entries(config).flatMap(([key, value]: [string, unknown]): [string, string][] =>
        key === 'vars' && isTable(value)
          ? Object.entries(value).map(([name, text]) => [`vars.${name}`, JSON.stringify(text)])
          : [[key, JSON.stringify(value)]],
      ),
    )
  const [old, fresh] = [flat(before), flat(after)]
  return [...new Set([...old.keys(), ...fresh.keys()])].filter(
    (key) => old.get(key) !== fresh.get(key),
  )
}

/** The address in the configuration; undefined when it has none of its own. */
export function publicUrlIn({ vars }: RawConfig): string | undefined {
  const url = vars?.['PUBLIC_URL']
  return typeof url === 'string' && url !== '' ? url.replace(/\/+$/, '') : undefined
}
