import { afterEach, expect, it } from 'vitest'
import { clock } from './clock.ts'
import { ring } from './job-tools.ts'
import { api, events, resetRules, until } from './server.ts'
import { deviceOf, enrolled, newHook, removeHooks } from './webhook-tools.ts'

afterEach(async () => {
  await resetRules()
  await removeHooks()
})

const HOUR = 3_600_000

/** A receiver has an event a moment before its device hears of that, and only then can it be replayed. */
async function replayable(asked: object, count: number): Promise<void> {
  await until(
    () => api('POST', '/api/replays', { ...asked, dry_run: true }),
    ({ body }) => body['events'] === count,
  )
}

it('a replay posts delivered events again, marked, in order, with the same ids', async () => {
  const hook = await newHook()
  const device = await enrolled()
  const first = await hook.events(device.udid, 2)
  const asked = { webhook: hook.id, devices: [device.udid] }
  await replayable(asked, 2)
  expect((await api('POST', '/api/replays', asked)).body).toMatchObject({ events: 2 })
  const all = await hook.events(device.udid, 4)
  expect(all.slice(2)).toEqual(first.map((event) => ({ ...event, replay: true })))
  const [one] = first
  await replayable(asked, 2)
  await api('POST', '/api/replays', { ...asked, events: [one?.event_id] })
  expect((await hook.events(device.udid, 5))[4]).toMatchObject({ event_id: one?.event_id })
  const none = { ...asked, from: new Date(clock.now() + HOUR).toISOString() }
  expect((await api('POST', '/api/replays', none)).body).toMatchObject({ events: 0 })
  const connects = { ...asked, topics: ['mdm.Connect'], dry_run: true }
  expect((await api('POST', '/api/replays', connects)).body).toMatchObject({ events: 0 })
})

it('a replay to many devices is a job, which tells of each what goes out again', async () => {
  const hook = await newHook()
  const device = await enrolled()
  await hook.events(device.udid, 2)
  await replayable({ webhook: hook.id, devices: [device.udid] }, 2)
  const devices = [...Array.from({ length: 30 }, () => crypto.randomUUID()), device.udid]
  const { body } = await api<{ job: { id: string } }>('POST', '/api/replays', {
    webhook: hook.id,
    devices,
  })
  await ring(body.job.id)
  const job = await api('GET', `/api/jobs/${body.job.id}`)
  expect(job.body).toMatchObject({
    kind: 'replay',
    state: 'finished',
    replay: { webhook: hook.id },
    done: 31,
  })
  const outcomes = await api<{ outcomes: unknown[] }>('GET', `/api/jobs/${body.job.id}/outcomes`)
  expect(outcomes.body.outcomes.at(-1)).toMatchObject({ id: device.udid, events: 2 })
  expect((await hook.events(device.udid, 4)).slice(2)).toMatchObject([
    { sequence: 1, replay: true },
    { sequence: 2, replay: true },
  ])
})

it('a webhook in MicroMDM’s form gets a replay by force only', async () => {
  const device = await enrolled()
  await events(device.udid, 2)
  const asked = { webhook: 'webhook', devices: [device.udid] }
  const refused = await api('POST', '/api/replays', asked)
  expect(refused).toMatchObject({
    status: 409,
    body: { detail: expect.stringContaining('force') },
  })
  await replayable(asked, 2)
  await api('POST', '/api/replays', { ...asked, force: true })
  expect((await events(device.udid, 4)).slice(2)).toMatchObject([
    { replay: true },
    { replay: true },
  ])
})

it('a webhook that is added later gets earlier events by a replay', async () => {
  const device = deviceOf({ WEBHOOK_URL: '' })
  await device.enroll()
  const queued = { udid: device.udid, request_type: 'ProfileList' }
  await api('POST', '/v1/commands', queued)
  await device.poll()
  const hook = await newHook({ topics: ['mdm.Connect'] })
  const asked = { webhook: hook.id, devices: [device.udid] }
  expect((await api('POST', '/api/replays', asked)).body).toMatchObject({ events: 1 })
  expect(await hook.events(device.udid, 1)).toMatchObject([
    { acknowledge_event: { status: 'Acknowledged' }, replay: true },
  ])
})
