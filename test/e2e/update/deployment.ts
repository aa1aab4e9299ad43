/** A deployment in workerd whose Worker and objects may be of two releases, as for minutes after a deploy. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import {
  convertV4MiniflareOptions,
  Log,
  LogLevel,
  Miniflare,
  Response as Answer,
  type Request as Asked,
} from 'miniflare'
import { bundleApart } from '../../../src/cli/build/bundle-apart.ts'
import { APPLIED, type Migration } from '../../../src/cli/start/migrations.ts'
import { readProject } from '../../../src/cli/start/project.ts'

/** A Worker of one release. */
export interface Code {
  readonly script: string
  readonly options: Readonly<Record<string, unknown>>
  /** The class of each binding of objects. */
  readonly objects: ReadonlyMap<string, string>
  readonly migrations: readonly Migration[]
}

interface Binding {
  readonly className: string
}

export async function buildCode(directory: string): Promise<Code> {
  const project = await readProject(directory)
  const bindings = Object.entries(Object(project.workerOptions['durableObjects']))
  return {
    script: await bundleApart(directory, false),
    options: project.workerOptions,
    objects: new Map(bindings.map(([name, value]) => [name, (value as Binding).className])),
    migrations: project.migrations,
  }
}

/** The two codes of a moment. */
export interface Pair {
  readonly worker: Code
  readonly objects: Code
}

export interface DeploymentOptions {
  readonly state: string
  readonly bindings: Readonly<Record<string, string>>
  /** The Internet beyond the Worker. */
  readonly internet: (request: Request) => Promise<Response>
  readonly apns: (url: string) => Response
  /** The classes that both codes have. Others are of the newer code, which alone calls them. */
  readonly shared: ReadonlySet<string>
  readonly newer: Code
}

/** A request, as devices and admins send it. */
export interface Sent {
  readonly method: string
  readonly headers: Record<string, string>
  readonly body?: string | Uint8Array<ArrayBuffer>
}

export interface Deployment {
  fetch(url: string, sent: Sent): Promise<Response>
  /** Deploys, with other settings if they are given. Objects lose their memory, and keep their rows. */
  deploy(pair: Pair, bindings?: DeploymentOptions['bindings']): Promise<void>
  /** The lines of the log so far. */
  readonly lines: readonly string[]
  close(): Promise<void>
}

const OBJECTS = 'edgemdm'
/** Where objects live whose class came with the newer code. */
const ADDED = 'added'

export function newSecrets(): Record<string, string> {
  return { API_KEY: 'test-key', SEAL_KEYS: `test:${randomBytes(32).toString('base64')}` }
}

export async function startDeployment(
  options: DeploymentOptions,
  first: Pair,
): Promise<Deployment> {
  const lines: string[] = []
  const settings = (pair: Pair, bindings = options.bindings) =>
    settingsOf({ ...options, bindings }, pair, (line) => lines.push(line))
  const miniflare = new Miniflare(settings(first))
  let migrated = 0
  const migrate = async (pair: Pair): Promise<void> => {
    const { migrations } = newest(pair)
    // A rollback takes no migration back.
    if (migrations.length > migrated) {
      await applyMigrations(await miniflare.getD1Database('DB'), migrations)
      migrated = migrations.length
    }
  }
  await miniflare.ready
  await migrate(first)
  return {
    lines,
    async fetch(url, sent) {
      const answer = await miniflare.dispatchFetch(url, { ...sent, redirect: 'manual' })
      return new Response(answer.status === 204 ? null : await answer.arrayBuffer(), {
        status: answer.status,
        headers: [...answer.headers],
      })
    },
    async deploy(pair, bindings) {
      await miniflare.setOptions(settings(pair, bindings))
      await migrate(pair)
    },
    close: () => miniflare.dispose(),
  }
}

type Database = Awaited<ReturnType<Miniflare['getD1Database']>>

/** While workerd runs, unlike `npm start`. */
async function applyMigrations(
  database: Database,
  migrations: readonly Migration[],
): Promise<void> {
  await database.prepare(APPLIED).run()
  const { results } = await database
    .prepare('SELECT name FROM d1_migrations')
    .all<{ name: string }>()
  const applied = new Set(results.map(({ name }) => name))
  for (const { name, statements } of migrations.filter((one) => !applied.has(one.name))) {
    await database.batch([
      ...statements.map((statement) => database.prepare(statement)),
      database.prepare('INSERT INTO d1_migrations (name) VALUES (?)').bind(name),
    ])
  }
}

function newest({ worker, objects }: Pair): Code {
  return worker.migrations.length > objects.migrations.length ? worker : objects
}

function settingsOf(options: DeploymentOptions, pair: Pair, print: (line: string) => void) {
  const { bindings, shared, newer } = options
  const workerOf = (name: string, code: Code) => ({
    ...code.options,
    name,
    modules: [{ type: 'ESModule' as const, path: 'index.js', contents: code.script }],
    bindings,
    r2Buckets: { REPO: 'edgemdm-repo' },
    durableObjects: Object.fromEntries(
      [...code.objects].map(([binding, className]) => [
        binding,
        { className, useSQLite: true, scriptName: shared.has(className) ? OBJECTS : ADDED },
      ]),
    ),
    serviceBindings: { APNS: async ({ url }: Asked) => answered(options.apns(url)) },
    outboundService: async (request: Asked) => {
      const { url, method } = request
      const headers = [...request.headers]
      const body = method === 'GET' ? null : await request.text()
      return answered(await options.internet(new Request(url, { method, headers, body })))
    },
  })
  return convertV4MiniflareOptions({
    cf: false,
    telemetry: { enabled: false },
    logRequests: false,
    log: new Log(LogLevel.ERROR),
    handleStructuredLogs: ({ message }) => {
      print(message)
    },
    resourcePersistencePath: join(options.state, 'worker'),
    workers: [
      // The first one gets the requests.
      workerOf('caller', pair.worker),
      { ...workerOf(OBJECTS, pair.objects), queueConsumers: {} },
      ...(newer.objects.size > shared.size
        ? [{ ...workerOf(ADDED, newer), queueConsumers: {} }]
        : []),
    ],
  })
}

/** Miniflare accepts only its own Response. */
async function answered(response: Response): Promise<Answer> {
  const { status } = response
  return new Answer(status === 204 ? null : await response.text(), {
    status,
    headers: [...response.headers],
  })
}
