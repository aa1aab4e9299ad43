/**
 * The Worker in local workerd, without the development proxies of `wrangler dev`: requests reach it on its
 * own socket, which is two to three times as fast.
 */
import { join } from 'node:path'
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, Response } from 'miniflare'
import type { ApnsTransport } from './apns-transport.ts'
import { type Assets, lazyAssets } from '../build/assets.ts'
import { bundleApart } from '../build/bundle-apart.ts'
import type { Project } from './project.ts'
import { guardWorkerd } from '../guard.ts'
import { migrateDatabase } from './migrations.ts'
import type { Printed } from './terminal/output.ts'

/** Miniflare passes a cron trigger on here, on a port of its own. */
const SCHEDULED = 'http://localhost/cdn-cgi/local/scheduled'
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export interface LocalWorkerOptions {
  project: Project
  stateDir: string
  host: string
  port: number
  /** Vars and secrets. */
  bindings: Record<string, string>
  apns: Pick<ApnsTransport, 'fetch'>
  pushKeeper: Pick<ApnsTransport, 'fetch'>
  inspect: number | undefined
  /** The output of the Worker and workerd. */
  print: (printed: Printed) => void
  progress: (doing: string) => void
}

export interface LocalWorker {
  /** How many files workerd may hold open. */
  openFiles: number
  /** Calls the handler that a cron trigger calls in production. */
  scheduled(): Promise<void>
  /** Builds the Worker and restarts workerd, unless this build runs already. The state stays. */
  reload(): Promise<boolean>
  close(): Promise<void>
}

export async function startWorker(options: LocalWorkerOptions): Promise<LocalWorker> {
  const { project } = options
  options.progress('building the Worker …')
  const sourcemap = options.inspect === undefined ? false : 'inline'
  const build = (): Promise<string> => bundleApart(project.directory, sourcemap)
  let script = await build()
  options.progress('starting workerd …')
  const guard = await guardWorkerd(options.stateDir)
  process.env['MINIFLARE_WORKERD_PATH'] = guard.command
  // Kept until workerd is ready: if it never is, the error holds all of it.
  const early: Printed[] = []
  let print = (printed: Printed): void => void early.push(printed)
  let assets = lazyAssets(project.directory)
  migrateDatabase(join(options.stateDir, 'worker'), project.databaseId, project.migrations)
  const settings = () =>
    settingsOf(options, script, guard.environment, {
      print: (printed) => print(printed),
      assets: (request) => assets(request),
    })
  const miniflare = withoutSignalHandlers(() => new Miniflare(settings()))
  const close = async (): Promise<void> => {
    await miniflare.dispose()
    guard.close()
  }
  try {
    await miniflare.ready
    print = options.print
    early.forEach(print)
  } catch (error) {
    await close()
    throw error
  }
  // Not by `getWorker`: that blocks this thread until workerd answers, and workerd blocks when its log is
  // not read.
  const scheduled = (): Promise<void> =>
    again(async () => {
      const { ok, status } = await miniflare.dispatchFetch(SCHEDULED)
      if (!ok) {
        throw new Error(`the handler answered ${status}`)
      }
    })
  const reload = async (): Promise<boolean> => {
    const built = await build()
    assets = lazyAssets(project.directory)
    const isNew = built !== script
    script = built
    if (isNew) {
      await miniflare.setOptions(settings())
    }
    return isNew
  }
  return { openFiles: guard.openFiles(), scheduled, reload, close }
}

function settingsOf(
  options: LocalWorkerOptions,
  script: string,
  environment: Record<string, string>,
  { print, assets }: Pick<LocalWorkerOptions, 'print'> & { assets: Assets },
) {
  const { workerOptions } = options.project
  return convertV4MiniflareOptions({
    cf: false,
    telemetry: { enabled: false },
    unsafeTriggerHandlers: true,
    logRequests: false,
    log: new Log(LogLevel.ERROR),
    handleStructuredLogs: print,
    unsafeRuntimeEnv: environment,
    ...(options.inspect === undefined ? {} : { inspectorPort: options.inspect }),
    resourcePersistencePath: join(options.stateDir, 'worker'),
    workers: [
      {
        ...workerOptions,
        name: 'edgemdm',
        modules: [{ type: 'ESModule', path: 'index.js', contents: script }],
        bindings: Object.assign({}, workerOptions['bindings'], options.bindings),
        // With every account: R2 has to be turned on for a deployment, and needs nothing here.
        r2Buckets: { REPO: 'edgemdm-repo' },
        // A deployed project names its push certificate in wrangler.toml, which would replace ours.
        mtlsCertificates: {},
        serviceBindings: {
          APNS: (request) => forward(options.apns, request),
          PUSH_KEEPER: (request) => forward(options.pushKeeper, request),
          ASSETS: assets,
        },
        unsafeDirectSockets: [{ host: options.host, port: options.port }],
      },
    ],
  })
}

/**
 * Miniflare ends the process with 128 and the signal's number at once, before anything can be closed in
 * order.
 */
function withoutSignalHandlers<T>(create: () => T): T {
  const before = SIGNALS.map((signal) => process.listeners(signal))
  const created = create()
  SIGNALS.forEach((signal, index) => {
    for (const listener of process.listeners(signal)) {
      if (!before[index]?.includes(listener)) {
        process.off(signal, listener)
      }
    }
  })
  return created
}

/**
 * Miniflare's calls from Node use kept connections, and a call fails when workerd has just closed one as
 * idle. Only calls that may be repeated are made here.
 */
async function again(action: () => Promise<void>): Promise<void> {
  try {
    await action()
  } catch (error) {
    if (!(error instanceof TypeError)) {
      throw error
    }
    await action()
  }
}

/** Miniflare accepts only its own Response. */
async function forward(
  apns: LocalWorkerOptions['apns'],
  request: Parameters<LocalWorkerOptions['apns']['fetch']>[0],
): Promise<Response> {
  const response = await apns.fetch(request)
  return new Response(await response.text(), {
    status: response.status,
    headers: [...response.headers],
  })
}
