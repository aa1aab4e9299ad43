import { createExecutionContext, runInDurableObject } from 'cloudflare:test'
import { expect, it } from 'vitest'
import worker from '../../src/index.ts'
import type { Env } from '../../src/env.ts'
import { rowHash, verifyChain } from '../../src/keys/audit-row.ts'
import { clock, fromNow, turn } from './clock.ts'
import { allRows, audited, auditOf, DAY, monthNow, storedRows } from './audit-tools.ts'
import { api, env } from './server.ts'

/** To the first moments of the next month. */
function turnMonth(): void {
  const now = new Date(clock.now())
  turn(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1, 0, 1) - clock.now())
}

const targetOf = (id: string) => ({ target: { type: 'device', id } })
const cron = () =>
  worker.scheduled({} as ScheduledController, env as unknown as Env, createExecutionContext())

async function chain() {
  const rows = (await allRows()).toReversed()
  expect(verifyChain(rows)).toEqual({ kind: 'whole' })
  return rows
}

it('rows of fifty callers at once stand in one chain', async () => {
  const ids = Array.from({ length: 50 }, (_, n) => `${n}`)
  await Promise.all(ids.map((id) => audited(targetOf(id))))
  const rows = await chain()
  expect(rows.map(({ seq }) => seq)).toEqual(ids.map((id) => Number(id) + 1))
  expect(new Set(rows.map(({ target }) => target?.id))).toEqual(new Set(ids))
  expect(rows[0]).toMatchObject({ prev: null, at: new Date(clock.now()).toISOString() })
})

it('a row that no webhook wants is one row, without an alarm', async () => {
  await audited()
  await runInDurableObject(auditOf(), async (_, { storage }) => {
    expect(await storage.getAlarm()).toBeNull()
    expect(storage.kv.get('told')).toBeUndefined()
  })
  expect((await storedRows(monthNow())).at(-1)?.listeners).toBeNull()
})

it('the first rows of a month, from many callers, follow the last of the month before', async () => {
  const before = await chain()
  turnMonth()
  await Promise.all(Array.from({ length: 20 }, () => audited()))
  const rows = await chain()
  expect(rows).toHaveLength(before.length + 20)
  expect(await storedRows(monthNow())).toHaveLength(20)
})

it('a month without rows is skipped', async () => {
  const before = await chain()
  turnMonth()
  turnMonth()
  await audited(targetOf('after a pause'))
  const rows = await chain()
  expect(rows).toHaveLength(before.length + 1)
  expect(rows.at(-1)?.target?.id).toBe('after a pause')
})

it('a late row and a clock that went back lead to the newest month', async () => {
  const late = clock.now()
  turnMonth()
  await audited(targetOf('in time'))
  await audited(targetOf('late'), late)
  // Of an empty month, behind which another one has begun.
  await audited(targetOf('back'), late - 40 * DAY)
  const rows = await chain()
  expect(rows.slice(-3).map(({ target }) => target?.id)).toEqual(['in time', 'late', 'back'])
  expect(rows.at(-1)?.at).toBe(new Date(late - 40 * DAY).toISOString())
  expect(await storedRows(monthNow())).toHaveLength(3)
})

it('two months that begin at once are one chain', async () => {
  turnMonth()
  const late = clock.now()
  turnMonth()
  const before = await chain()
  await Promise.all([audited({}, late), audited({}), audited({}, late), audited({})])
  expect(await chain()).toHaveLength(before.length + 4)
})

it('rows are found by time, actor, action, scope and target, over all months', async () => {
  turn(1000)
  const since = fromNow(0)
  await audited({ action: 'device.erase', ...targetOf('UDID-1') })
  await audited({ actor: { type: 'key', id: 'k2', name: 'helpdesk', who: 'ada' } })
  turnMonth()
  await audited({ action: 'device.push', scope: 'secrets', ...targetOf('UDID-1') })
  await audited({ action: 'devices.push', ...targetOf('UDID-2') })
  const found = async (query: string) =>
    (await allRows(`&since=${since}&limit=1&${query}`)).map(({ seq }) => seq)
  const [fourth = 0, third, second, first] = await found('')
  expect([first, second, third]).toEqual([fourth - 3, fourth - 2, fourth - 1])
  expect(await found('target=UDID-1')).toEqual([third, first])
  expect(await found('action=device')).toEqual([third, first])
  expect(await found('action=device.erase')).toEqual([first])
  expect(await found('scope=secrets')).toEqual([third])
  expect(await found('action=dev')).toEqual([])
  expect(await found('action=%25')).toEqual([])
  for (const actor of ['k2', 'helpdesk', 'ada']) {
    expect(await found(`actor=${actor}`)).toEqual([second])
  }
  expect(await found(`until=${since}`)).toEqual([second, first])
  expect(await found("target=x'%20OR%201=1--")).toEqual([])
})

it('a page is refused with a cursor of another list, and with filters that are not there', async () => {
  const cursor = Buffer.from('audit 2026-11 0').toString('base64url')
  for (const query of [`cursor=${cursor}`, 'since=yesterday', 'limit=1001', 'key=k1']) {
    expect((await api('GET', `/api/audit?${query}`)).status).toBe(400)
  }
})

it('texts of any length and kind are cut, and keep the chain', async () => {
  const long = '\u{1f600}"\u0000'.repeat(20_000)
  await audited({
    actor: { type: 'key', id: long, name: long, who: long },
    action: long,
    ...targetOf(long),
    outcome: '\ud83d',
    network: long,
    detail: { [long]: long, list: Array.from({ length: 100 }, () => long), __proto__: 'x' },
  })
  const rows = await chain()
  expect(JSON.stringify(rows.at(-1)).length).toBeLessThan(20_000)
  await audited()
  await chain()
})

it('the daily cron deletes months that are older than AUDIT_DAYS, and a row proves the start', async () => {
  const month = monthNow()
  const before = await chain()
  turn(400 * DAY)
  await audited(targetOf('the only one of these days'))
  await cron()
  expect(await chain()).toEqual(expect.arrayContaining(before.slice(-1)))
  turn(32 * DAY)
  await cron()
  const rows = await chain()
  expect(await storedRows(month)).toEqual([])
  const expire = rows.findLast(({ action }) => action === 'audit.expire')
  const last = before.at(-1)
  expect(expire?.detail).toEqual({
    days: 400,
    last_seq: last?.seq,
    last_hash: last && rowHash(last),
  })
  expect(rows[0]).toMatchObject({
    seq: (last?.seq ?? 0) + 1,
    prev: expire?.detail['last_hash'],
    target: { id: 'the only one of these days' },
  })
  await cron()
  expect(await chain()).toHaveLength(rows.length)
})
