import { createExecutionContext, runInDurableObject } from 'cloudflare:test'
import { monthOf, objectNameOf } from '../../src/audit/months.ts'
import type { Counters } from '../../src/cli/cost/counters.ts'
import { consume } from '../../src/consumer.ts'
import type { Announcement } from '../../src/device/runtime/runtime.ts'
import type { Env } from '../../src/env.ts'
import worker from '../../src/index.ts'
import { clock, turnTimers } from './clock.ts'
import { env } from './server.ts'

/** As long as src/directory/devices/seen.ts gathers. */
const GATHERING = 20_000

/** A Worker whose calls and rows are counted by the platform's own counters. */
export interface CountedWorker {
  fetch(request: Request): Promise<Response>
  /** Hands the queue's messages so far to the consumer. */
  drainQueue(): Promise<void>
  /** Lets the time pass in which the Worker gathers when devices were seen, and lets it write this. */
  writeSeen(): Promise<void>
  /** What was spent since the last call. */
  spent(): Counters
}

/**
 * Counts what devices cost: requests of the Worker and the consumer, calls of objects, rows written in
 * the devices' objects and the audit of this month (`cursor.rowsWritten`, and one for each `setAlarm`) and in
 * D1 (`meta.rows_written`), messages, and lines of the log.
 */
export async function countedWorker(
  devices: readonly string[],
  settings: Readonly<Record<string, string>>,
): Promise<CountedWorker> {
  let counters = none()
  const behind: Promise<unknown>[] = []
  let open: SqlStorageCursor<Record<string, SqlStorageValue>>[] = []
  /** Counts what statements have written so far: a cursor knows when it is through. */
  const settle = (): void => {
    counters.rows += open.reduce((sum, cursor) => sum + cursor.rowsWritten, 0)
    open = []
  }
  const messages: Announcement[] = []
  const countObject = (_: unknown, { storage }: DurableObjectState): void => {
    const exec = storage.sql.exec.bind(storage.sql)
    Object.defineProperty(storage.sql, 'exec', {
      configurable: true,
      value: (query: string, ...values: SqlStorageValue[]) => {
        settle()
        // A cursor counts the rows of its last statement alone.
        const statements = query.split(';\n')
        const last = statements.pop() ?? ''
        open.push(...statements.map((statement) => exec(statement)))
        const cursor = exec(last, ...values)
        open.push(cursor)
        return cursor
      },
    })
    const setAlarm = storage.setAlarm.bind(storage)
    Object.defineProperty(storage, 'setAlarm', {
      configurable: true,
      value: (at: number) => {
        settle()
        counters.rows += 1
        return setAlarm(at)
      },
    })
  }
  for (const device of devices) {
    await runInDurableObject(env.DEVICE.getByName(device), countObject)
  }
  await runInDurableObject(env.AUDIT.getByName(objectNameOf(monthOf(clock.now()))), countObject)
  for (const name of ['log', 'warn'] as const) {
    const write = console[name].bind(console)
    console[name] = (...texts: unknown[]) => {
      counters.lines += 1
      write(...texts)
    }
  }
  const calls = <Namespace extends { getByName(name: string): object }>(
    namespace: Namespace,
    answers: Readonly<Record<string, () => Promise<void>>> = {},
  ): Namespace =>
    ({
      getByName: (name: string) =>
        new Proxy(namespace.getByName(name), {
          get: (stub, method) => {
            return (...values: unknown[]) => {
              counters.objectCalls += 1
              const own = answers[String(method)]
              return own ? own() : (stub as Methods)[String(method)]?.(...values)
            }
          },
        }),
    }) as Namespace
  const counted = {
    ...env,
    ...settings,
    DEVICE: calls(env.DEVICE),
    AUDIT: calls(env.AUDIT),
    PUSH: calls(env.PUSH as { getByName(name: string): object }),
    // Its reading and posting is counted as the two calls that it makes for a batch of events.
    SUBSCRIBER: calls(env.SUBSCRIBER, { wake: async () => {} }),
    DB: countedDatabase((rows) => {
      counters.directoryRows += rows
    }),
    EVENTS: {
      send: async (message: Announcement) => {
        counters.messages += 1
        messages.push(message)
      },
    },
  } as unknown as Env
  return {
    async fetch(request) {
      counters.requests += 1
      const context = {
        ...createExecutionContext(),
        waitUntil: (work: Promise<unknown>) => behind.push(work),
      }
      return worker.fetch(request, counted, context as unknown as ExecutionContext)
    },
    async writeSeen() {
      await turnTimers(GATHERING)
      await Promise.all(behind.splice(0))
    },
    async drainQueue() {
      const batch = messages.splice(0)
      if (batch.length > 0) {
        counters.requests += 1
        await consume(
          { messages: batch.map((body) => ({ body })) } as unknown as MessageBatch<Announcement>,
          counted,
          createExecutionContext(),
        )
      }
    },
    spent() {
      settle()
      const sum = counters
      counters = none()
      return sum
    },
  }
}

type Methods = Record<string, ((...values: unknown[]) => unknown) | undefined>

export function none(): Counters {
  return { requests: 0, objectCalls: 0, rows: 0, directoryRows: 0, messages: 0, lines: 0 }
}

/** The tests' D1; `count` gets the rows that each call wrote. */
export function countedDatabase(count: (rows: number) => void): D1Database {
  const noted = <Result extends { meta: { rows_written?: number } }>(result: Result): Result => {
    count(result.meta.rows_written ?? 0)
    return result
  }
  const statement = (plain: D1PreparedStatement): D1PreparedStatement =>
    new Proxy(plain, {
      get: (target, name) => {
        if (name === 'bind') {
          return (...values: unknown[]) => statement(target.bind(...values))
        }
        if (name === 'plain') {
          return target
        }
        if (name === 'run' || name === 'all') {
          return async () => noted(await target[name]())
        }
        const member: unknown = Reflect.get(target, name)
        return typeof member === 'function' ? member.bind(target) : member
      },
    })
  return new Proxy(env.DB, {
    get: (target, name) => {
      if (name === 'prepare') {
        return (query: string) => statement(target.prepare(query))
      }
      if (name === 'batch') {
        return async (statements: D1PreparedStatement[]) =>
          (await target.batch(statements.map((one) => Reflect.get(one, 'plain')))).map(noted)
      }
      const member: unknown = Reflect.get(target, name)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}
