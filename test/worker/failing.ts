import { createExecutionContext, runInDurableObject, waitOnExecutionContext } from 'cloudflare:test'
import worker from '../../src/index.ts'
import type { Env } from '../../src/env.ts'
import { turnTimers } from './clock.ts'
import { env } from './server.ts'

/** Statements until the one that fails; past it none does. */
let left = Infinity

/**
 * Lets the next statement but so many fail; none, when `n` is Infinity. @returns how many would still have
 * to come
 */
export function failAt(n: number): void {
  left = n
}

export function hasFailed(): boolean {
  return left <= 0
}

/**
 * As D1 fails, with all that the statement was given, in every form in which it may be printed.
 */
function failIfTurn(query: string, values: readonly unknown[]): void {
  left -= 1
  if (left === 0) {
    const params = values.flatMap((value) =>
      value instanceof Uint8Array || value instanceof ArrayBuffer
        ? (['latin1', 'base64', 'hex'] as const).map((form) =>
            Buffer.from(new Uint8Array(value)).toString(form),
          )
        : [value],
    )
    const text = `${query} with ${params.join()}: SQLITE_ERROR`
    throw new Error(`D1_ERROR: ${text}`, { cause: text })
  }
}

/** The statements of an object's own SQLite fail as well. */
export async function failIn(stub: DurableObjectStub): Promise<void> {
  await runInDurableObject(stub, (_, { storage }) => {
    const exec = storage.sql.exec.bind(storage.sql)
    Object.defineProperty(storage.sql, 'exec', {
      configurable: true,
      value: (query: string, ...values: SqlStorageValue[]) => {
        failIfTurn(query, values)
        return exec(query, ...values)
      },
    })
  })
}

const RUNS = new Set(['run', 'all', 'first', 'raw'])

function bound(
  plain: D1PreparedStatement,
  query: string,
  values: readonly unknown[],
): D1PreparedStatement {
  return new Proxy(plain, {
    get: (target, name) => {
      if (name === 'bind') {
        return (...given: unknown[]) => bound(target.bind(...given), query, given)
      }
      const member: unknown = Reflect.get(target, name)
      return typeof member !== 'function'
        ? member
        : async (...given: unknown[]): Promise<unknown> => {
            if (RUNS.has(String(name))) {
              failIfTurn(query, values)
            }
            return Reflect.apply(member, target, given)
          }
    },
  })
}

/** The tests' D1. A batch fails as its statements do. */
export const failingDatabase = new Proxy(env.DB, {
  get: (target, name) => {
    if (name === 'prepare') {
      return (query: string) => bound(target.prepare(query), query, [])
    }
    if (name === 'batch') {
      return async (statements: D1PreparedStatement[]) =>
        Promise.all(statements.map((statement) => statement.all()))
    }
    const member: unknown = Reflect.get(target, name)
    return typeof member === 'function' ? member.bind(target) : member
  },
})

/** The Worker on that D1. Its answer comes when what it does behind the answer is done. */
export async function served(vars: object, path: string, init: RequestInit): Promise<Response> {
  const context = createExecutionContext()
  const response = await worker.fetch(
    new Request(`http://mdm.test${path}`, init),
    { ...env, DB: failingDatabase, ...vars } as unknown as Env,
    context,
  )
  // As long as src/directory/devices/seen.ts gathers.
  await Promise.all([waitOnExecutionContext(context), turnTimers(20_000)])
  return response
}
