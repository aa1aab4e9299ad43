/** A walk through all that a Worker asks of objects, in stages of an update: each ends in the middle of work. */
import { expect } from 'vitest'
import { pem } from '../../../src/pki/x509/issue.ts'
import type { SimulatedDevice } from '../../../src/simulator/device/device.ts'
import { type DeviceMemory, RECEIVER, rememberDevice, until, type World } from './world.ts'

/** What the stage before has left. */
interface Left {
  /** Commands that wait. */
  readonly waiting: readonly string[]
  /** A command that the device has, and has not answered: its CommandUUID. */
  readonly handedOut: string
  readonly job: string
}

/** All that has to be known to go on with a walk in another process, as JSON. */
export interface WalkMemory {
  readonly hook: string
  readonly devices: readonly DeviceMemory[]
  readonly events: World['events']
  readonly left: Left | undefined
}

export interface Walk {
  /** The devices so far; the first has gone through all stages. */
  readonly devices: readonly SimulatedDevice[]
  /** Goes on where the stage before has ended, and does each thing anew. */
  stage(name: string): Promise<void>
  memory(): WalkMemory
}

const INFO = { request_type: 'DeviceInformation', queries: ['OSVersion'] }
const CONFIGURATION = 'ex.configuration'
const SET = 'everything'

/** @param kept goes on with this walk, without Apple, which has forgotten it */
export async function beginWalk(world: World, kept?: WalkMemory): Promise<Walk> {
  const { api } = world
  const devices = kept?.devices.map((memory) => world.device(memory)) ?? []
  const hook =
    kept?.hook ?? (await ok<{ id: string }>('POST', '/api/webhooks', { url: RECEIVER })).id
  const account = kept ? undefined : await connectApple(world)
  if (!kept) {
    await ok('PUT', `/api/sets/${SET}`, {})
  }
  world.events.push(...(kept?.events ?? []))
  let left = kept?.left

  async function ok<Body = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<Body> {
    const answer = await api<Body>(method, path, body)
    expect([answer.status < 300, answer], `${method} ${path}`).toEqual([true, answer])
    return answer.body
  }

  /** All events of all devices arrive: those that the server calls delivered have come. */
  async function expectEvents(): Promise<void> {
    for (const { udid } of devices) {
      const { items } = await until(
        () =>
          ok<{ items: { sequence: number; state: string }[] }>(
            'GET',
            `/api/devices/${udid}/deliveries?limit=400`,
          ),
        (page) => page.items.every(({ state }) => state === 'delivered'),
      )
      const sent = items.map(({ sequence }) => sequence)
      expect(sent.length).toBeGreaterThan(0)
      expect(sequencesOf(world, udid)).toEqual(expect.arrayContaining(sent))
    }
  }

  /** What the other code left: a paused webhook, waiting commands, one that is out, a job under way. */
  async function takeUp({ waiting, handedOut, job }: Left, device: SimulatedDevice): Promise<void> {
    await ok('POST', `/api/webhooks/${hook}/resume`)
    const next = await device.connect({ Status: 'Acknowledged', CommandUUID: handedOut })
    expect(next.status).toBe(200)
    const before = next.command ? [next.command.uuid] : []
    await device.connect({ Status: 'NotNow', CommandUUID: before[0] ?? '' })
    await device.poll()
    const got = device.received.map(({ uuid }) => uuid)
    expect(got).toEqual(expect.arrayContaining([...waiting]))
    expect(await ok('GET', `/api/jobs/${job}`)).toMatchObject({ state: 'running', total: 3 })
    expect(await ok('POST', `/api/jobs/${job}/cancel`)).toMatchObject({ state: 'cancelled' })
    await ok('GET', `/api/jobs/${job}/outcomes`)
  }

  async function command(name: string, device: SimulatedDevice): Promise<void> {
    const before = world.pushes()
    const uuid = `${name}-v1`
    const { udid } = device
    await ok('POST', '/v1/commands', { ...INFO, udid, command_uuid: uuid })
    await until(world.pushes, (pushes) => pushes > before)
    const own = await ok<{ id: string }>('POST', `/api/devices/${udid}/commands`, INFO)
    expect((await device.poll()).ended).toBe('empty')
    expect(device.received.map((one) => one.uuid)).toContain(uuid)
    expect(await ok('GET', `/api/commands/${own.id}`)).toMatchObject({ state: 'acknowledged' })
    expect(await ok('POST', `/v1/push/${udid}`)).toMatchObject({ status: 'success' })
    await ok('GET', `/api/devices/${udid}/events`)
    await ok('GET', `/api/devices/${udid}/commands`)
    await ok('GET', `/api/devices/${udid}/identities`)
  }

  async function escrow(device: SimulatedDevice, name: string): Promise<void> {
    const token = new TextEncoder().encode(name)
    expect((await device.setBootstrapToken(token)).status).toBe(200)
    expect(await device.getBootstrapToken()).toMatchObject({ token })
    const read = { reason: 'test', who: 'test' }
    await ok('POST', `/api/devices/${device.udid}/escrow/bootstrap_token`, read)
    const user = device.userChannel({ userId: `USER-${device.serial}`, shortName: 'ada' })
    expect((await user.tokenUpdate()).status).toBe(200)
  }

  async function declare(name: string, device: SimulatedDevice): Promise<void> {
    await ok('PUT', `/api/declarations/${CONFIGURATION}`, {
      type: 'com.apple.configuration.management.test',
      payload: { Echo: name },
      sets: [SET],
    })
    await ok('PUT', '/api/declarations/ex.activation', {
      type: 'com.apple.activation.simple',
      payload: { StandardConfigurations: [CONFIGURATION] },
      sets: [SET],
    })
    await ok('POST', `/api/sets/${SET}/members`, { ids: [device.udid] })
    const at = `/api/declarations/${CONFIGURATION}`
    const { server_token: token } = await ok<{ server_token: string }>('GET', at)
    await until(
      async () => {
        await device.poll()
        return ok<{ declarations: Record<string, unknown>[] }>(
          'GET',
          `/api/devices/${device.udid}/declarations`,
        )
      },
      ({ declarations }) =>
        declarations.some((one) => one['state'] === 'applied' && one['server_token'] === token),
    )
  }

  async function bulk(ids: readonly string[]): Promise<void> {
    const job = await ok<{ id: string }>('POST', '/api/commands', { ids, command: INFO })
    expect(job).toMatchObject({ state: 'finished', done: ids.length })
    for (const device of devices) {
      await device.poll()
    }
  }

  async function assign(name: string): Promise<void> {
    if (account === undefined) {
      return
    }
    const serial = `DEP${name.toUpperCase().replaceAll(/\W/g, '')}`
    world.dep.add({ serial_number: serial, model: 'MacBook Pro' })
    await ok('POST', '/v1/dep/syncnow')
    await ok('GET', `/api/dep/accounts/${account}`)
    await until(
      () => api('GET', `/api/dep/devices/${serial}`),
      ({ status }) => status === 200,
    )
    const profile = { profile_name: name, url: 'https://mdm.test/mdm/enroll', devices: [serial] }
    expect(await ok('PUT', '/v1/dep/profiles', profile)).toMatchObject({
      devices: { [serial]: 'SUCCESS' },
    })
  }

  async function lists(): Promise<void> {
    const all = devices.map(({ udid }) => udid).toSorted()
    const { devices: listed } = await ok<{ devices: { udid: string }[] }>('POST', '/v1/devices', {})
    // Those of Apple Business Manager that have not enrolled have no UDID.
    const enrolled = listed.map(({ udid }) => udid).filter((udid) => udid !== '')
    expect(enrolled.toSorted()).toEqual(all)
    for (const { udid } of devices) {
      await ok('GET', `/api/devices/${udid}`)
    }
    await ok('GET', `/api/webhooks/${hook}`)
    await ok('GET', `/api/webhooks/${hook}/posts`)
    await ok('GET', '/api/jobs')
  }

  /** Leaves work for the next stage. */
  async function leave(name: string, device: SimulatedDevice): Promise<Left> {
    await ok('POST', `/api/webhooks/${hook}/pause`)
    const waiting = [`${name}-out`, `${name}-next`, `${name}-last`]
    for (const uuid of waiting) {
      await ok('POST', '/v1/commands', { ...INFO, udid: device.udid, command_uuid: uuid })
    }
    const { command: out } = await device.connect({ Status: 'Idle' })
    if (!out) {
      throw new Error('no command was handed out')
    }
    const ids = [1, 2, 3].map((n) => `${name}-later-${n}`)
    const { id: job } = await ok<{ id: string }>('POST', '/api/commands', {
      ids,
      command: INFO,
      pace: 1,
    })
    return { waiting: waiting.slice(1), handedOut: out.uuid, job }
  }

  return {
    devices,
    async stage(name) {
      const device = world.newDevice(`C02${name.toUpperCase().replaceAll(/\W/g, '')}`)
      devices.push(device)
      expect((await device.enroll()).status).toBe(200)
      const [veteran = device] = devices
      if (left) {
        await takeUp(left, veteran)
      }
      for (const one of new Set([veteran, device])) {
        await command(`${name}-${one.serial}`, one)
        await escrow(one, name)
        await declare(`${name}-${one.serial}`, one)
      }
      await bulk(devices.map(({ udid }) => udid))
      await assign(name)
      await lists()
      await expectEvents()
      left = await leave(name, veteran)
    },
    memory: () => ({ hook, devices: devices.map(rememberDevice), events: world.events, left }),
  }
}

function sequencesOf(world: World, udid: string): number[] {
  return world.events.flatMap((event) =>
    (event.checkin_event ?? event.acknowledge_event)?.udid === udid ? [event.sequence] : [],
  )
}

/** An account of Apple Business Manager, by the token that a person downloads there. @returns its id */
async function connectApple({ api, dep }: World): Promise<string> {
  const { body: key } = await api<{ public_key: string }>('GET', '/v1/dep-tokens')
  const certificate = pem('CERTIFICATE', new Uint8Array(Buffer.from(key.public_key, 'base64')))
  const p7m_content = btoa(dep.tokenFile(certificate, {}))
  expect((await api('PUT', '/v1/dep-tokens', { p7m_content })).status).toBe(200)
  const { body } = await api<{ items: { id: string }[] }>('GET', '/api/dep/accounts')
  return body.items[0]?.id ?? ''
}
