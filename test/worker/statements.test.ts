import { runInDurableObject } from 'cloudflare:test'
import { expect, it } from 'vitest'
import { countedWorker } from './counting.ts'
import { env, newDevice } from './server.ts'

/** Collects the statements of a device's object. @returns a function that takes those since its last call */
async function statementsOf(udid: string): Promise<() => string[]> {
  const statements: string[] = []
  await runInDurableObject(env.DEVICE.getByName(udid), (_, { storage: { sql } }) => {
    const exec = sql.exec.bind(sql)
    Object.defineProperty(sql, 'exec', {
      configurable: true,
      value: (query: string, ...values: SqlStorageValue[]) => {
        statements.push(query)
        return exec(query, ...values)
      },
    })
  })
  return () => statements.splice(0)
}

/** The object leaves memory, as it does by itself when it is not used. */
async function evict(udid: string): Promise<void> {
  const ended = runInDurableObject(env.DEVICE.getByName(udid), (_, state) => {
    state.abort('evicted')
  })
  await expect(ended).rejects.toThrow('evicted')
}

// The runtime keeps each distinct statement of an object prepared: 3.5 KB or more, and 0.02-0.05 ms at first.
it('an enrolment, an Idle and a cycle prepare few statements', async () => {
  const udid = `STATEMENTS-${crypto.randomUUID()}`
  const worker = await countedWorker([], { WEBHOOK_URL: '' })
  const device = newDevice({
    udid,
    fetch: (url, init) => worker.fetch(new Request(url, init as RequestInit)),
  })
  const command = () =>
    worker.fetch(
      new Request('http://mdm.test/v1/commands', {
        method: 'POST',
        headers: { authorization: `Basic ${btoa('micromdm:test-key')}` },
        body: JSON.stringify({ udid, request_type: 'SecurityInfo' }),
      }),
    )
  const take = await statementsOf(udid)
  await device.enroll()
  await device.connect({ Status: 'Idle' })
  const enrolment = take()
  // Two look whether anything is here, one makes the tables. Both check-ins write an event and the row, and
  // the Idle the row.
  expect(enrolment).toHaveLength(8)
  await command()
  await device.poll()
  const cycle = take()
  // The new row, the hand-out, the answer, and the event.
  expect(cycle).toHaveLength(4)
  expect(new Set([...enrolment, ...cycle]).size).toBe(8)

  await evict(udid)
  const takeCold = await statementsOf(udid)
  await command()
  await device.poll()
  // In addition the device's row, and whether history, events and retries have anything to do.
  expect(takeCold()).toHaveLength(8)
})
