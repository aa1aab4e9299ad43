import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { pushCertificate, startApns } from './apns.ts'
import {
  deviceOfFile,
  FILE,
  fleet,
  heldCommands,
  runMove,
  startRelay,
  TOPIC,
} from './move-tools.ts'
import { newState, start } from './server.ts'

const closing: (() => unknown)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) {
    await close()
  }
})

const hex = (token: string): string => Buffer.from(token, 'base64').toString('hex')
const sorted = (texts: readonly string[]): string[] => texts.toSorted()
const COUNTS = {
  devices: { moved: 40, blocked: 4, retired: 3 },
  items: {
    authority: 1,
    blueprint: 1,
    certificate: 40,
    device: 40,
    profile: 3,
    setup_user: 1,
  },
}

it('a fleet of MicroMDM is surveyed, can be pushed before it calls, and calls with its old identities', async () => {
  const state = await newState()
  const apns = await startApns(state)
  closing.push(apns.close)
  const server = await start(state, ['--apns', apns.url], undefined, apns.env)
  closing.push(() => server.stop())

  const survey = await runMove(server, FILE).ended
  expect(survey.code).toBe(0)
  for (const line of [
    '40 devices: 37 enrolled, 3 retired',
    '05BFC8CD-F2E9-CEF6-8513-3F49FDE07493 C005BFC8CDF2',
    'EraseDevice: 6 (6 of unknown age)',
    'ERASE-0 for 026A5558-17A4-7B22-7CE7-C27A6D0080FF',
    '1 blueprint',
    '41 push tokens are of another one',
    'Nothing is sent.',
  ]) {
    expect(survey.output).toContain(line)
  }
  expect(await server.api('GET', '/api/moves')).toMatchObject({ body: { items: [] } })

  const refused = await runMove(server, FILE, '--yes').ended
  expect(refused.code).toBe(1)
  expect(refused.output).toMatch(/move: .* answered 409: 37 devices have push tokens of/)
  expect(refused.output).toContain('Nothing is served from this move yet.')
  const { body } = pushCertificate(TOPIC, 300)
  expect(await server.api('PUT', '/v1/config/certificate', body)).toMatchObject({ status: 200 })
  const moved = await runMove(server, FILE, '--yes').ended
  expect(moved.output).toContain('Sent 0 items; the server had 86 already.')
  expect(moved.output).toContain('41 of 41 channels can be pushed')
  expect(moved.output).toContain('1 blueprint taken up')
  expect(moved.output).toContain('no Mac takes its password hash')
  expect(moved.code).toBe(0)
  expect((await runMove(server, FILE, '--yes').ended).output).toContain('has moved already')
  expect((await runMove(server, '--discard').ended).output).toContain('is active: its devices are')
  expect(await server.api('GET', '/api/moves')).toMatchObject({ body: { items: [COUNTS] } })
  expect(await heldCommands(server)).toEqual(fleet.queues)

  const unblocked = fleet.devices.filter(({ blocked }) => !blocked)
  for (const id of [
    ...unblocked.map(({ udid }) => udid),
    ...fleet.user_channels.map((user) => user.user_id),
  ]) {
    expect(await server.api('GET', `/push/${id}`)).toMatchObject({ status: 200 })
  }
  const tokens = [...unblocked.map(({ push }) => push), ...fleet.user_channels]
  expect(sorted(apns.seen.map(({ token }) => token))).toEqual(
    sorted(tokens.map(({ token }) => hex(token))),
  )

  for (const name of ['device-0', 'device-1', 'device-2', 'device-5', 'device-15']) {
    expect(await deviceOfFile(server, name).poll()).toMatchObject({ ended: 'empty' })
  }
  const first = deviceOfFile(server, 'device-0')
  const { token } = await first.getBootstrapToken()
  expect(Buffer.from(token ?? '').toString('base64')).toBe(fleet.bootstrap_tokens[first.udid])
  const last = deviceOfFile(server, 'device-15')
  const released = await server.api('POST', `/api/devices/${last.udid}/commands/release`)
  expect(released.body).toMatchObject({ released: 3 })
  await last.poll()
  expect(last.received.map(({ uuid }) => uuid)).toEqual(fleet.queues[last.udid])
})

type Victim = 'server' | 'tool'

/** A request, its moment and its number in a run; and which processes are killed at it. */
const KILLS: readonly (readonly [string, 'before' | 'after', number, readonly Victim[]])[] = [
  ['PUT items', 'after', 1, ['tool']],
  ['POST activate', 'after', 1, ['server', 'tool']],
]

it('a move whose processes are killed at any point ends with the same counts', async () => {
  const state = await newState()
  let server = await start(state, [])
  closing.push(() => server.stop())
  const relay = await startRelay(() => server.url)
  closing.push(relay.close)
  const filerepo = join(state, 'filerepo')
  mkdirSync(filerepo)
  for (const n of [1, 2, 3]) {
    writeFileSync(join(filerepo, `app-${n}.plist`), Buffer.alloc(900_000, n))
  }
  const flags = [FILE, '--filerepo', filerepo, '--without-push', '--yes']

  for (const [request, moment, number, victims] of KILLS) {
    const tool = runMove({ url: relay.url, state }, ...flags)
    let count = 0
    relay.act = async (name, when) => {
      count += Number(name === request && when === moment)
      if (count < number) {
        return true
      }
      if (victims.includes('tool')) {
        tool.process.kill('SIGKILL')
      }
      if (victims.includes('server')) {
        await server.stop('SIGKILL')
      }
      return false
    }
    expect((await tool.ended).output).not.toContain('is active')
    if (victims.includes('server')) {
      server = await start(state, [])
    }
  }

  relay.act = () => true
  const { code, output } = await runMove({ url: relay.url, state }, ...flags).ended
  expect(output).toContain('micromdm.db is active:')
  expect(code).toBe(0)
  expect(await server.api('GET', '/api/moves')).toMatchObject({
    body: { items: [COUNTS] },
  })
  expect(output).toContain('Files of the repository: 0 sent, 3 there already.')
  const files = [1, 2, 3].map((n) => ({ name: `app-${n}.plist`, size: 900_000 }))
  expect(await server.api('GET', '/api/repo')).toMatchObject({ body: { items: files } })
  expect(await heldCommands(server)).toEqual(fleet.queues)
})
