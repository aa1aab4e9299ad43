import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { api, newDevice, pushes, seen, serve, until } from './server.ts'

interface Page {
  items: { queued_by: object | null }[]
}
interface Entry {
  kind: string
  at: string
  what?: string
  status?: string
  topic?: string
  outcome?: string
  command_uuid?: string
  queued_by?: object | null
}

const AUTH = { headers: { authorization: `Basic ${btoa('micromdm:test-key')}` } }
const INFO = { request_type: 'DeviceInformation', queries: ['OSVersion'] }
const RAW =
  '<plist><dict><key>CommandUUID</key><string>raw</string><key>Command</key><dict><key>RequestType</key><string>ProfileList</string></dict></dict></plist>'
const KEY = createHash('sha256').update('test-key').digest('hex').slice(0, 8)
const NO_ORIGIN = { key: KEY, actor: null, job_id: null, renewal: false }

async function enrolled() {
  const device = newDevice()
  await device.enroll()
  return { device, path: `/api/devices/${device.udid}/commands` }
}

const send = (path: string, body: object | string, actor?: string) =>
  serve(path, {
    method: 'POST',
    headers: { ...AUTH.headers, ...(actor === undefined ? {} : { 'x-actor': actor }) },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })

/** All of it, page by page. */
async function timelineOf(udid: string, query = '?'): Promise<Entry[]> {
  const all: Entry[] = []
  let next: string | null = ''
  while (next !== null) {
    const page: { body: { items: Entry[]; next: string | null } } = await api(
      'GET',
      `/api/devices/${udid}/events${query}&cursor=${next}`,
    )
    all.push(...page.body.items)
    next = page.body.next
  }
  return all
}

function words({ kind, what, status, topic, outcome, command_uuid }: Entry): string {
  return [kind, what ?? status ?? topic, outcome ?? command_uuid].filter(Boolean).join(' ')
}

describe('each command shows its origin', () => {
  const queuers = async (path: string) =>
    (await api<Page>('GET', path)).body.items.map(({ queued_by }) => queued_by).toReversed()

  it('with API, key, job and admin', async () => {
    const { device, path } = await enrolled()
    const micromdm = { udid: device.udid, request_type: 'ProfileList' }
    await send('/v1/commands', micromdm)
    await send('/v1/commands', micromdm, 'ada')
    await send(`/v1/commands/${device.udid}`, RAW)
    await send(path, INFO, 'grace hopper')
    const job = await send('/api/commands', { ids: [device.udid], command: INFO }, 'ada')
    const made = await job.json<{ id: string }>()
    expect(await queuers(path)).toEqual([
      { ...NO_ORIGIN, face: 'micromdm' },
      { ...NO_ORIGIN, face: 'micromdm', actor: 'ada' },
      { ...NO_ORIGIN, face: 'micromdm' },
      { ...NO_ORIGIN, face: 'api', actor: 'grace hopper' },
      { ...NO_ORIGIN, face: 'api', actor: 'ada', job_id: made.id },
    ])
  })

  it.each(['a'.repeat(101), 'a\u0007b'])('a name such as %j is refused', async (actor) => {
    const { device, path } = await enrolled()
    const requests = [
      [path, INFO],
      ['/api/commands', { ids: [device.udid], command: INFO }],
      ['/v1/commands', { udid: device.udid, request_type: 'ProfileList' }],
    ] as const
    for (const [to, body] of requests) {
      const response = await send(to, body, actor)
      expect(response.status).toBe(400)
      expect(await response.text()).toContain('X-Actor')
    }
    expect(await queuers(path)).toEqual([])
  })
})

describe('a device’s timeline', () => {
  it('is kept after the webhook has had it', async () => {
    const { device, path } = await enrolled()
    await api('POST', path, { ...INFO, command_uuid: 'told' })
    await device.poll()
    await until(
      () => seen(device.udid, 'webhook'),
      (posts) => posts.length >= 4,
    )
    expect((await timelineOf(device.udid, '?kind=check-in,report')).map(words)).toEqual([
      'report Acknowledged told',
      'report Idle',
      'check-in mdm.TokenUpdate',
      'check-in mdm.Authenticate',
    ])
    expect(await timelineOf(device.udid, '?status=Acknowledged')).toMatchObject([
      { kind: 'report', topic: 'mdm.Connect', sequence: 4, event_id: expect.any(String) },
    ])
  })

  it('shows commands, pushes and identities too, the same in pages of two as in one', async () => {
    const { device, path } = await enrolled()
    const { udid } = device
    const answer = (uuid: string, status = 'Acknowledged') =>
      device.connect({ Status: status, CommandUUID: uuid })
    await send(
      '/v1/commands',
      { udid, request_type: 'ProfileList', command_uuid: 'put-off' },
      'ada',
    )
    await send(`/v1/commands/${udid}`, RAW)
    await send(path, { ...INFO, command_uuid: 'by-api' }, 'grace')
    const job = await send('/api/commands', {
      ids: [udid],
      command: { ...INFO, command_uuid: 'many' },
    })
    await pushes(device)
    await until(
      () => timelineOf(udid, '?kind=push'),
      (found) => found.length > 0,
    )
    await device.connect({ Status: 'Idle' })
    await answer('put-off', 'NotNow')
    await answer('raw')
    await answer('by-api', 'Error')
    await answer('many')
    await device.connect({ Status: 'Idle' })
    await answer('put-off')
    // It is held back, so no device is pushed for it.
    const not_before = '2099-01-01T00:00:00Z'
    const last = await send(path, { ...INFO, command_uuid: 'unwanted', not_before })
    const { id } = await last.json<{ id: string }>()
    await serve(`/api/commands/${id}`, { method: 'DELETE', ...AUTH })
    const { items: identities } = (
      await api<{ items: { id: string }[] }>('GET', `/api/devices/${udid}/identities`)
    ).body
    await api('POST', `/api/devices/${udid}/identities/${identities[0]?.id}/revoke`)

    const whole = await timelineOf(udid)
    expect(whole.filter(({ kind }) => kind === 'push').map(words)).toEqual([
      'push pushed delivered',
    ])
    const others = whole.filter(({ kind }) => kind !== 'push')
    expect(others.map(words).toReversed()).toEqual([
      'check-in mdm.Authenticate',
      'identity bound',
      'check-in mdm.TokenUpdate',
      'command queued put-off',
      'command queued raw',
      'command queued by-api',
      'command queued many',
      'report Idle',
      'command handed_out put-off',
      'report NotNow put-off',
      'command not_now put-off',
      'command handed_out raw',
      'report Acknowledged raw',
      'command answered raw',
      'command handed_out by-api',
      'report Error by-api',
      'command answered by-api',
      'command handed_out many',
      'report Acknowledged many',
      'command answered many',
      'report Idle',
      'report Acknowledged put-off',
      'command answered put-off',
      'command queued unwanted',
      'command ended unwanted',
      'identity revoked',
    ])
    expect(await timelineOf(udid, '?limit=2')).toEqual(whole)
    expect(whole.map(({ at }) => at)).toEqual(
      whole
        .map(({ at }) => at)
        .toSorted()
        .toReversed(),
    )

    const made = await job.json<{ id: string }>()
    const step = (text: string) => whole.find((entry) => words(entry) === text)
    expect(step('command queued put-off')).toMatchObject({
      command_id: `${udid}.1`,
      request_type: 'ProfileList',
      queued_by: { ...NO_ORIGIN, face: 'micromdm', actor: 'ada' },
    })
    expect(step('command queued raw')?.queued_by).toEqual({ ...NO_ORIGIN, face: 'micromdm' })
    expect(step('command queued by-api')?.queued_by).toMatchObject({ face: 'api', actor: 'grace' })
    expect(step('command queued many')?.queued_by).toMatchObject({ face: 'api', job_id: made.id })
    expect(step('command handed_out put-off')).toMatchObject({ times: 2 })
    expect(step('command ended unwanted')).toMatchObject({ state: 'cancelled' })
    // A command’s own timeline says the same.
    const own = (await api<{ timeline: Entry[] }>('GET', `/api/commands/${udid}.1`)).body.timeline
    const steps = whole.filter(
      ({ kind, command_uuid }) => kind === 'command' && command_uuid === 'put-off',
    )
    expect(own.filter(({ what }) => what !== 'pushed').map(({ what, at }) => [what, at])).toEqual(
      steps.map(({ what, at }) => [what, at]).toReversed(),
    )
  })

  it('refuses a cursor or a kind that it never gave', async () => {
    const ask = async (query: string) =>
      (await api('GET', `/api/devices/UNKNOWN/events?${query}`)).status
    expect(await ask(`cursor=${btoa('12')}`)).toBe(400)
    expect(await ask('kind=nothing')).toBe(400)
    expect(await ask('kind=push')).toBe(404)
  })
})
