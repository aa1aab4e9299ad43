/**
 * The floor under any object: a class with one table and one row, in the same workerd, kept in memory. What
 * a device's object costs beyond it is ours.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare'
import { guardWorkerd } from '../../src/cli/guard.ts'
import { claimPort } from '../../src/cli/start/port.ts'
import { requestOf } from './connection.ts'
import { drive, type Drive } from './drive.ts'
import { look, rowOf, type Row } from './row.ts'
import { workerdOf } from './usage.ts'

const HOST = '127.0.0.1'
const CONNECTIONS = 16
const LIMIT = 600
const WARM_UP = 3
const WARMERS = 64

/** A PUT makes the table and the row; a GET reads them. */
const WORKER = `
import { DurableObject } from 'cloudflare:workers'
export class Empty extends DurableObject {
  make() {
    this.ctx.storage.sql.exec('CREATE TABLE one (value TEXT)')
    this.ctx.storage.sql.exec("INSERT INTO one VALUES ('1')")
    return '1'
  }
  read() {
    return this.ctx.storage.sql.exec('SELECT value FROM one').one().value
  }
}
export default {
  async fetch({ url, method }, { EMPTY }) {
    const object = EMPTY.getByName(new URL(url).pathname)
    return new Response(await (method === 'PUT' ? object.make() : object.read()))
  },
}`

export async function measureEmpty(
  plan: { readonly sizes: readonly number[]; readonly seconds: number; readonly tmpfs: boolean },
  say: (row: Row) => void,
): Promise<void> {
  const state = await mkdtemp(join(plan.tmpfs ? '/dev/shm' : tmpdir(), 'edgemdm-bench-'))
  const server = new URL(`http://${HOST}:${await claimPort(HOST, 0)}`)
  const guard = await guardWorkerd(state)
  process.env['MINIFLARE_WORKERD_PATH'] = guard.command
  const startEmpty = () => startWorkerd(state, server, guard.environment)
  let miniflare = await startEmpty()
  try {
    let made = 0
    for (const size of plan.sizes) {
      const fleet = { from: WARMERS, to: WARMERS + size }
      await call(server, 'PUT', { from: made, to: fleet.to })
      made = Math.max(made, fleet.to)
      await miniflare.dispose()
      miniflare = await startEmpty()
      await call(server, 'GET', { from: 0, to: WARMERS }, WARM_UP)
      say(await passOf(state, size, 'cold', () => call(server, 'GET', fleet)))
      say(await passOf(state, size, 'warm', () => call(server, 'GET', fleet, plan.seconds)))
    }
  } finally {
    await miniflare.dispose()
    guard.close()
    await rm(state, { recursive: true, force: true })
  }
}

async function startWorkerd(
  state: string,
  { hostname: host, port }: URL,
  environment: Record<string, string>,
): Promise<Miniflare> {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      telemetry: { enabled: false },
      logRequests: false,
      log: new Log(LogLevel.ERROR),
      unsafeRuntimeEnv: environment,
      resourcePersistencePath: join(state, 'worker'),
      workers: [
        {
          name: 'empty',
          compatibilityDate: '2026-11-01',
          modules: [{ type: 'ESModule', path: 'index.js', contents: WORKER }],
          durableObjects: {
            EMPTY: { className: 'Empty', useSQLite: true, unsafePreventEviction: true },
          },
          unsafeDirectSockets: [{ host, port: Number(port) }],
        },
      ],
    }),
  )
  await miniflare.ready
  return miniflare
}

/** Each object once, or in turn for so many seconds. */
function call(
  server: URL,
  method: 'PUT' | 'GET',
  { from, to }: { readonly from: number; readonly to: number },
  seconds?: number,
) {
  const bounds: Pick<Drive, 'count' | 'seconds'> =
    seconds === undefined
      ? { count: to - from, seconds: LIMIT }
      : { count: Number.MAX_SAFE_INTEGER, seconds }
  return drive(server, { connections: CONNECTIONS, ...bounds }, async (connection, turn) => {
    const url = new URL(`/${from + (turn % Math.max(1, to - from))}`, server)
    const { status } = await connection.send(requestOf(url, method, {}, new Uint8Array()))
    if (status !== 200) {
      throw new Error(`${method} ${url.pathname}: ${status}`)
    }
  })
}

async function passOf(
  state: string,
  fleet: number,
  objects: Row['objects'],
  send: () => ReturnType<typeof call>,
): Promise<Row> {
  const processes = { workerd: workerdOf(state) }
  const before = look(processes, 'Empty')
  const outcome = await send()
  return rowOf({ fleet, kind: 'empty', objects }, outcome, before, look(processes, 'Empty'))
}
