/** WebSockets between the Worker and an object that is watched. They outlive the object's memory. */
import { clock } from '../clock.ts'
import type { LiveEntry } from './entry.ts'

/** The code of a close: a newer stream has taken the place. */
export const DISPLACED = 4001

/** What an object tells a stream. `skipped`: so many more entries had no place. */
export interface LiveMessage {
  readonly entries: readonly (LiveEntry & { readonly seq?: number })[]
  readonly skipped: number
}

/** The first message. */
export interface LiveHello extends LiveMessage {
  /** From this time on (milliseconds) nothing is missing. */
  readonly since: number
  /** The number of the newest entry; 0 for none, and in a device's own stream, which has no numbers. */
  readonly last: number
  /** Entries since the last known one may be missing. */
  readonly isMissing: boolean
}

type Sockets = Pick<DurableObjectState, 'acceptWebSocket' | 'getWebSockets'>

/**
 * Accepts a stream. If there are too many, the oldest ends: its client may have left without a word, and
 * otherwise it comes back.
 */
export function openSocket(state: Sockets, most: number, hello: LiveHello): Response {
  const open = state.getWebSockets().filter(({ readyState }) => readyState === WebSocket.OPEN)
  if (open.length >= most) {
    const [oldest] = open.toSorted((one, other) => acceptedAt(one) - acceptedAt(other))
    oldest?.close(DISPLACED)
  }
  const { 0: client, 1: server } = new WebSocketPair()
  state.acceptWebSocket(server)
  server.serializeAttachment(clock.now())
  say(server, hello)
  return new Response(null, { status: 101, webSocket: client })
}

/** The platform promises no order of the sockets. */
function acceptedAt(socket: WebSocket): number {
  return Number(socket.deserializeAttachment())
}

/** One text for all. */
export function sayToAll(state: Sockets, message: LiveMessage): void {
  const text = JSON.stringify(message)
  for (const socket of state.getWebSockets()) {
    trySend(socket, text)
  }
}

function say(socket: WebSocket, hello: LiveHello): void {
  trySend(socket, JSON.stringify(hello))
}

/** A socket that is closing takes nothing more: its stream has ended. */
function trySend(socket: WebSocket, text: string): void {
  try {
    socket.send(text)
  } catch {
    // The platform calls no handler for it, and drops it by itself.
  }
}
