import { inBackground } from '../../guard.ts'
import type { LiveEntry } from '../../live/entry.ts'
import { publishSoon, type PublishEnv } from '../../live/publish.ts'
import { openSocket, sayToAll } from '../../live/socket.ts'
import type { Address, Elsewhere, Unknown } from '../store/address.ts'
import type { Effects } from '../store/context.ts'
import type { DeviceState } from '../store/state.ts'

/** Streams of one device at a time. */
const MAX_STREAMS = 20
const MAX_NAME = 100

export const HERE = { kind: 'here' } as const

/** What an object says to a request for a stream. */
export type WatchAnswer = Elsewhere | Unknown | typeof HERE

/**
 * Tells what a commit has changed (docs/architecture.md §31): the streams of this device, and those of the
 * fleet. Nothing is awaited, and without a stream nothing is sent.
 */
export function tellWatchers(
  ctx: DurableObjectState,
  env: PublishEnv,
  { device: { name: device, facts } }: Pick<DeviceState, 'device'>,
  effects: Effects,
  at: number,
): void {
  const { news, moreNews, connected, toAnnounce } = effects
  const isChanged = toAnnounce.directory && !news.some(({ kind }) => kind.startsWith('device.'))
  if (news.length === 0 && !isChanged && connected.size === 0) {
    return
  }
  const about = {
    at,
    device,
    serial: facts.SerialNumber,
    name: facts.DeviceName.slice(0, MAX_NAME).toWellFormed(),
  }
  const told = isChanged ? [...news, { kind: 'device.changed' } as const] : news
  const entries: LiveEntry[] = told.map((one) => ({ ...one, ...about }))
  if (ctx.getWebSockets().length > 0) {
    const own: LiveEntry[] = connected.size > 0 ? [{ kind: 'device.connected', ...about }] : []
    sayToAll(ctx, { entries: [...own, ...entries], skipped: moreNews })
  }
  publishSoon(env, entries, (work) => {
    inBackground(ctx, work)
  })
}

/** Opens a stream as a WebSocket, or says why not. It keeps nothing for those who come back. */
export async function openWatch(
  ctx: DurableObjectState,
  { url }: Request,
  look: (address: Address) => Promise<WatchAnswer>,
): Promise<Response> {
  const { searchParams } = new URL(url)
  const user = searchParams.get('user') ?? ''
  const answer = await look({ user, bare: searchParams.has('bare') })
  return answer.kind === 'here'
    ? openSocket(ctx, MAX_STREAMS, { since: 0, last: 0, isMissing: false, entries: [], skipped: 0 })
    : Response.json(answer)
}
