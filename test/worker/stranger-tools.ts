import { createExecutionContext } from 'cloudflare:test'
import type { Env } from '../../src/env.ts'
import worker from '../../src/index.ts'
import type { PlistDict } from '../../src/plist/value.ts'
import { writePlist } from '../../src/plist/write.ts'
import type { SimulatedIdentity } from '../../src/simulator/device/identity.ts'
import { signatureOf } from '../devices/signature.ts'
import { env } from './server.ts'

/** A Worker that counts the objects that it asks and the statements that it sends to D1. */
export function counted(settings: object = {}, answer: () => Promise<void> = async () => {}) {
  const count = { objects: 0, statements: 0, pending: 0, mostPending: 0 }
  const statement = (plain: D1PreparedStatement): D1PreparedStatement =>
    new Proxy(plain, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name)
        if (name === 'bind') {
          return (...values: unknown[]) => statement(target.bind(...values))
        }
        if (
          typeof member !== 'function' ||
          !['all', 'raw', 'run', 'first'].includes(String(name))
        ) {
          return member
        }
        return async (...values: unknown[]) => {
          count.statements += 1
          count.pending += 1
          count.mostPending = Math.max(count.mostPending, count.pending)
          try {
            await answer()
            return await Reflect.apply(member, target, values)
          } finally {
            count.pending -= 1
          }
        }
      },
    })
  const its = {
    ...env,
    WEBHOOK_URL: '',
    ...settings,
    DEVICE: {
      getByName: (name: string) => {
        count.objects += 1
        return env.DEVICE.getByName(name)
      },
    },
    DB: new Proxy(env.DB, {
      get: (target, name) => {
        if (name === 'prepare') {
          return (query: string) => statement(target.prepare(query))
        }
        if (name === 'batch') {
          return async (statements: D1PreparedStatement[]) => {
            await answer()
            return target.batch(statements)
          }
        }
        const member: unknown = Reflect.get(target, name)
        return typeof member === 'function' ? member.bind(target) : member
      },
    }),
  } as unknown as Env
  return {
    /** What was spent since the last call. */
    spent() {
      const spent = { ...count }
      Object.assign(count, { objects: 0, statements: 0 })
      return spent
    },
    count,
    async put(body: BodyInit, headers: Record<string, string>): Promise<number> {
      const request = new Request('http://mdm.test/mdm/checkin', { method: 'PUT', body, headers })
      return (await worker.fetch(request as never, its, createExecutionContext())).status
    },
    send(identity: SimulatedIdentity, message: PlistDict): Promise<number> {
      const body = writePlist(message)
      return this.put(new Uint8Array(body), signatureOf(identity, body))
    },
  }
}
