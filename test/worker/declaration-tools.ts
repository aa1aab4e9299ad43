import { runDurableObjectAlarm } from 'cloudflare:test'
import { expect } from 'vitest'
import type { ChannelStates } from '../../src/ddm/states.ts'
import type { DeclarationsView } from '../../src/device/declarations/view.ts'
import { type Put, putDeclaration } from '../../src/directory/declarations/put.ts'
import { joinSet } from '../../src/directory/declarations/members.ts'
import { addToSet } from '../../src/directory/declarations/sets.ts'
import { searchStates } from '../../src/directory/declarations/states.ts'
import { offerTo } from '../../src/directory/declarations/offer.ts'
import { beginOffers, DECLARATIONS } from '../../src/jobs/declarations/begin.ts'
import type { SimulatedChannel } from '../../src/simulator/device/channel.ts'
import type { SimulatedDevice } from '../../src/simulator/device/device.ts'
import { bytesAt } from '../../src/plist/dict.ts'
import { clock } from './clock.ts'
import { api, enrolled, env, until } from './server.ts'

export const TEST = 'com.apple.configuration.management.test'
export const ACTIVATION = 'com.apple.activation.simple'

export const now = () => ({ now: clock.now(), notify: true })

let count = 0

/** Names that no other test of the file uses. */
export function names(): { set: string; config: string; activation: string } {
  count += 1
  return { set: `set-${count}`, config: `ex.config.${count}`, activation: `ex.activation.${count}` }
}

/** An admin's PUT. With `percent` only that share of the devices gets the content. */
export function send(
  identifier: string,
  type: string,
  payload: object,
  more: { readonly percent?: number } = {},
): Promise<Put> {
  const text = JSON.stringify(payload)
  const sent = { identifier, type, payload: text, origin: 'http://mdm.test', ...more }
  return putDeclaration(env.DB, sent, now())
}

export async function put(identifier: string, type: string, payload: object): Promise<void> {
  expect((await send(identifier, type, payload)).kind).not.toBe('refused')
}

/** A configuration with its activation, in a set of its own. */
export async function newSet(Echo = 'one'): Promise<ReturnType<typeof names>> {
  const made = names()
  await put(made.config, TEST, { Echo })
  await put(made.activation, ACTIVATION, { StandardConfigurations: [made.config] })
  await addToSet(env.DB, made.set, made.config, now())
  await addToSet(env.DB, made.set, made.activation, now())
  return made
}

export async function join(channel: { readonly enrollmentId: string }, set: string): Promise<void> {
  await joinSet(env.DB, channel.enrollmentId, set, now())
}

/** Lets the round tell all devices of all changes. */
export async function tell(): Promise<void> {
  await beginOffers(env)
  const job = env.JOB.getByName(DECLARATIONS)
  await until(
    async () => {
      await runDurableObjectAlarm(job)
      return job.view()
    },
    (seen) => seen?.state !== 'running',
  )
}

/**
 * Lets a device synchronise until nothing is left to do: its first report tells which status items it knows,
 * and so the server's own subscription grows. The Worker offers by itself behind its answers; the same offer
 * is made here, because it is over then.
 */
export async function settle(device: SimulatedDevice): Promise<void> {
  do {
    await device.poll()
    await offerTo(env, [device.enrollmentId])
  } while ((await waiting(device)).length > 0)
}

/** A device with the declarations of a set of its own. `asks` counts the commands since then. */
export async function declared(options: Parameters<typeof enrolled>[0] = {}) {
  const device = await enrolled(options)
  const made = await newSet()
  await join(device, made.set)
  await tell()
  await settle(device)
  expect(await listed(device)).toEqual({ [made.config]: 'applied', [made.activation]: 'applied' })
  const before = asked(device)
  return { device, ...made, asks: () => asked(device) - before }
}

export async function view(channel: { readonly enrollmentId: string }): Promise<DeclarationsView> {
  const [device = '', user = ''] = channel.enrollmentId.split(':')
  const reply = await env.DEVICE.getByName(device).declarations(
    { user, bare: user === '' },
    { kind: 'view' },
  )
  expect(reply.kind).toBe('view')
  return (reply as unknown as { view: DeclarationsView }).view
}

/** Identifier and state of each declaration of a channel, as the directory has them. */
export async function listed(channel: {
  readonly enrollmentId: string
}): Promise<Record<string, ChannelStates['states'][number]['state']>> {
  const all = await searchStates(env.DB, { states: [], after: ['', ''], limit: 1000 })
  const own = all.filter(({ enrollment }) => enrollment === channel.enrollmentId)
  return Object.fromEntries(own.map(({ identifier, state }) => [identifier, state]))
}

/** The commands to synchronise that a channel has received. */
export function asked(channel: SimulatedChannel): number {
  return channel.received.filter(({ requestType }) => requestType === 'DeclarativeManagement')
    .length
}

/** The token in the command that the channel got last. */
export function lastAsked({ received }: SimulatedChannel): unknown {
  const last = received.findLast(({ requestType }) => requestType === 'DeclarativeManagement')
  return tokenIn(new TextDecoder().decode(last && bytesAt(last.command, 'Data')))
}

export const tokenIn = (text: string): unknown => JSON.parse(text).SyncTokens.DeclarationsToken

/** A channel's request for declarations, and the answer. */
export async function request(
  channel: Pick<SimulatedChannel, 'checkIn'>,
  endpoint: string,
): Promise<{ readonly status: number; readonly text: string }> {
  const { status, body } = await channel.checkIn('DeclarativeManagement', { Endpoint: endpoint })
  return { status, text: new TextDecoder().decode(body) }
}

/** Sends a status report. @returns the status of the answer */
export async function report(
  channel: Pick<SimulatedChannel, 'checkIn'>,
  body: object | string,
): Promise<number> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const fields = { Endpoint: 'status', Data: new TextEncoder().encode(text) }
  return (await channel.checkIn('DeclarativeManagement', fields)).status
}

/** The commands that wait for a channel, in their order. */
export async function waiting(channel: { readonly enrollmentId: string }): Promise<string[]> {
  const { body } = await api<{ items: { request_type: string }[] }>(
    'GET',
    `/api/devices/${channel.enrollmentId}/commands?state=queued`,
  )
  return body.items.map(({ request_type }) => request_type)
}
