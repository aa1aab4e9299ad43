import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { afterEach, expect, it } from 'vitest'
import { SERVER_OUTBOX } from '../../src/device/outbox/server.ts'
import { verifyChain, type AuditRow } from '../../src/keys/audit-row.ts'
import { clock, turn } from './clock.ts'
import { allRows, audited, auditOf, monthNow, OWN_ACTION, storedRows } from './audit-tools.ts'
import { env, until } from './server.ts'
import { newHook, removeHooks, type Hook } from './webhook-tools.ts'

afterEach(removeHooks)

interface Posted {
  readonly topic: string
  readonly event_id: string
  readonly request_id?: string
  readonly server_event: AuditRow
}

/** The rows of the test that a receiver has got, as soon as there are `least`. */
async function posted(hook: Hook, least: number): Promise<Posted[]> {
  const all = await until(
    async () => (await hook.posts()).map(({ body }): Posted => JSON.parse(body)),
    (events) => events.filter(isOwn).length >= least,
  )
  return all.filter(isOwn)
}

/** Requests of a test leave rows too. */
function isOwn({ server_event: { action } }: Posted): boolean {
  return action === OWN_ACTION
}

const rowsIn = (events: readonly Posted[]) => events.map(({ server_event: row }) => row)

/** The process of an object dies. */
async function die(stub: DurableObjectStub): Promise<void> {
  const dying = runInDurableObject(stub, (_, state) => {
    state.abort('died')
  })
  await expect(dying).rejects.toThrow('died')
}

/** Lets the inserts of an object fail, while `fails` says so. */
async function failing(stub: DurableObjectStub, fails: () => boolean): Promise<void> {
  await runInDurableObject(stub, (_, { storage }) => {
    const exec = storage.sql.exec.bind(storage.sql)
    Object.defineProperty(storage.sql, 'exec', {
      configurable: true,
      value: (query: string, ...values: SqlStorageValue[]) => {
        if (fails() && query.startsWith('INSERT')) {
          throw new Error('the disk is gone')
        }
        return exec(query, ...values)
      },
    })
  })
}

it('a webhook gets the rows of its topics in order, over the end of a month', async () => {
  const hook = await newHook({ topics: ['audit.config', 'audit.secrets'] })
  for (let n = 0; n < 5; n++) {
    await audited({ requestId: `request-${n}` })
    await audited({ scope: 'command' })
  }
  const now = new Date(clock.now())
  turn(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1) - clock.now())
  await Promise.all(Array.from({ length: 20 }, () => audited({ scope: 'secrets' })))
  const events = await posted(hook, 25)
  const rows = (await allRows())
    .toReversed()
    .filter(({ action, scope }) => action === OWN_ACTION && scope !== 'command')
  expect(rowsIn(events)).toEqual(rows)
  expect(events.map(({ event_id: id }) => id)).toEqual(rows.map(({ id }) => id))
  expect(events[0]).toMatchObject({ topic: 'audit.config', request_id: 'request-0' })
  expect(events.at(-1)?.topic).toBe('audit.secrets')
})

it('a receiver of all topics can check the chain', async () => {
  const scopes = [
    'command',
    'destructive',
    'enroll',
    'config',
    'secrets',
    'backup',
    'admin',
  ] as const
  const hook = await newHook({ topics: scopes.map((scope) => `audit.${scope}`) })
  for (const scope of scopes) {
    await audited({ scope })
  }
  const own = rowsIn(await posted(hook, scopes.length))
  expect(own.map(({ scope }) => scope)).toEqual(scopes)
  const all = await hook.posts()
  const rows = all.map(({ body }): AuditRow => JSON.parse(body).server_event)
  expect(verifyChain(rows)).toEqual({ kind: 'whole' })
})

it('a row whose event was not stored when the process died is told by the alarm', async () => {
  const hook = await newHook({ topics: ['audit.config'] })
  let fails = true
  await failing(env.DEVICE.getByName(SERVER_OUTBOX), () => fails)
  await audited({ target: { type: 'device', id: 'first' } })
  await audited({ target: { type: 'device', id: 'second' } })
  await die(auditOf())
  fails = false
  expect(await posted(hook, 0)).toEqual([])
  expect(await runDurableObjectAlarm(auditOf())).toBe(true)
  const rows = rowsIn(await posted(hook, 2))
  expect(rows.map(({ target }) => target?.id)).toEqual(['first', 'second'])
})

it('a row that was told when the process died is told once more, as the same event', async () => {
  const hook = await newHook({ topics: ['audit.config'] })
  await runInDurableObject(auditOf(), (_, { storage: { kv } }) => {
    const put = kv.put.bind(kv)
    Object.defineProperty(kv, 'put', {
      configurable: true,
      value: (key: string, value: unknown) => {
        if (key === 'told') {
          throw new Error('the process died')
        }
        put(key, value)
      },
    })
  })
  await audited({ target: { type: 'device', id: 'once' } })
  await posted(hook, 1)
  await die(auditOf())
  await runDurableObjectAlarm(auditOf())
  await audited({ target: { type: 'device', id: 'next' } })
  const events = await posted(hook, 3)
  expect(rowsIn(events).map(({ target }) => target?.id)).toEqual(['once', 'once', 'next'])
  expect(events[0]?.event_id).toBe(events[1]?.event_id)
  // The alarm that was armed finds nothing more.
  await runDurableObjectAlarm(auditOf())
  await audited()
  expect(await posted(hook, 4)).toHaveLength(4)
})

it('rows from before a webhook are not posted to it, and cost no event', async () => {
  await audited()
  const [unwanted] = (await storedRows(monthNow())).slice(-1)
  const hook = await newHook({ topics: ['audit.config'] })
  await audited({ target: { type: 'device', id: 'wanted' } })
  const rows = rowsIn(await posted(hook, 1))
  expect(rows.map(({ target }) => target?.id)).toEqual(['wanted'])
  const [wanted] = (await storedRows(monthNow())).slice(-1)
  expect(unwanted?.listeners).toBeNull()
  expect(wanted?.listeners).toBe(JSON.stringify([hook.id]))
})
