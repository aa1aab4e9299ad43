/** The ways from a stream to the objects that it watches (docs/architecture.md §31). */
import { clock } from '../../../clock.ts'
import { moveWatch } from '../../../directory/webhooks.ts'
import type { WatchAnswer } from '../../../device/runtime/watchers.ts'
import type { Env } from '../../../env.ts'
import { LIVE_NAME } from '../../../live/publish.ts'
import { DISPLACED, type LiveHello, type LiveMessage } from '../../../live/socket.ts'
import { noteWatched, watchedUntil } from '../../../live/watched.ts'
import { OwnError } from '../../../reason.ts'
import { atEnrollment } from '../device-id.ts'

/** How far ahead D1 says that the fleet is watched. It is moved when half of that is over. */
const AHEAD = 600_000
const ADDRESS = 'https://object/?'
const UPGRADE = { headers: { upgrade: 'websocket' } }

/** What a stream hears of an object. */
export interface Heard {
  readonly hello: (hello: LiveHello) => void
  readonly told: (message: LiveMessage) => void
  /** `isDisplaced`: a newer stream has taken its place. */
  readonly closed: (isDisplaced: boolean) => void
}

/** Watches the fleet. `after`: the last entry that the client has. */
export async function watchFleet(
  env: Env,
  after: number | undefined,
  heard: Heard,
): Promise<WebSocket> {
  const query = new URLSearchParams({
    until: String(await keepWatched(env)),
    ...(after !== undefined && { after: String(after) }),
  })
  const live = env.LIVE.getByName(LIVE_NAME)
  const { webSocket } = await live.fetch(new Request(ADDRESS + query.toString(), UPGRADE))
  if (!webSocket) {
    throw new OwnError('the object Live has opened no WebSocket')
  }
  return listen(webSocket, heard)
}

/** Watches one device. @throws RequestError for an id that no device has */
export async function watchDevice(env: Env, id: string, heard: Heard): Promise<WebSocket> {
  const found = await atEnrollment(env, id, async (device, { user, bare }) => {
    const query = new URLSearchParams({ user, ...(bare && { bare: '1' }) })
    const response = await device.fetch(new Request(ADDRESS + query.toString(), UPGRADE))
    if (response.webSocket) {
      return { kind: 'stream', socket: response.webSocket } as const
    }
    const answer: Exclude<WatchAnswer, { kind: 'here' }> = await response.json()
    return answer
  })
  return listen(found.socket, heard)
}

/**
 * Lets all isolates know that somebody watches the fleet: D1 says so, and each reads it with the webhooks.
 * @returns until when
 */
export async function keepWatched({ DB, LIVE }: Env): Promise<number> {
  const now = clock.now()
  if (watchedUntil() < now + AHEAD / 2) {
    const until = now + AHEAD
    await moveWatch(DB, until)
    noteWatched(until)
    await LIVE.getByName(LIVE_NAME).watch(until)
  }
  return watchedUntil()
}

function listen(socket: WebSocket, heard: Heard): WebSocket {
  socket.addEventListener('message', ({ data }) => {
    const message: LiveHello | LiveMessage = JSON.parse(String(data))
    if ('since' in message) {
      heard.hello(message)
    } else {
      heard.told(message)
    }
  })
  socket.addEventListener('close', ({ code }) => {
    heard.closed(code === DISPLACED)
  })
  socket.addEventListener('error', () => {
    heard.closed(false)
  })
  socket.accept()
  return socket
}
