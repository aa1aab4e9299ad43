import { clock, wait } from '../../../clock.ts'
import { inBackground } from '../../../guard.ts'
import { isWanted, type LiveFilter } from '../../../live/entry.ts'
import type { LiveMessage } from '../../../live/socket.ts'
import { reasonOf } from '../../../reason.ts'
import { warn } from '../../../log.ts'
import { mayGoOn } from '../../access/may-go-on.ts'
import type { AppContext } from '../../app-env.ts'
import { RequestError } from '../../request-error.ts'
import { iso } from '../values.ts'
import { entryText, ownEventText, newOutlet, type Outlet, type StreamEnd } from './outlet.ts'
import { keepWatched, watchDevice, watchFleet, type Heard } from './watch.ts'

/** A heartbeat, and a look whether the key is still good. */
const EVERY = 25_000
/** A stream ends after this time, and its client comes back: the free plan allows fifty calls a request. */
const LIFE = 10 * 60_000
/** Entries within a second: the rest waits. */
const MAX_A_SECOND = 20
/** A look whether a newer stream takes its place. Without a write it costs next to no CPU time. */
const LOOK = 5000
/** Streams of this isolate. One more is refused. */
const MAX_STREAMS = 200
/** Of one key. One more takes the place of the oldest. */
const MAX_OF_KEY = 30
/** A stream that was not heard of for so long is gone: the runtime ends a request without a word. */
const GONE = 3 * EVERY
const AGAIN: StreamEnd = { reason: 'connect again' }
/** Streams that are all in use displace each other no faster than so. */
const TOO_MANY: StreamEnd = {
  reason: 'too many streams are open, and this was the oldest: connect again',
  retry: 30_000,
}

/** What a client wants. `after`: the last entry that it has. */
export interface Wanted {
  readonly devices: readonly string[]
  readonly filter: LiveFilter
  readonly after: number | undefined
}

/** The open streams of this isolate, the oldest first: their keys, and when they were heard of last. */
const open = new Map<Outlet, { readonly key: string; at: number; isDisplaced: boolean }>()

/** Opens a stream (docs/stream.md). @throws RequestError if there is no such device, or no room */
export async function openStream(
  c: AppContext,
  wanted: Wanted,
): Promise<ReadableStream<Uint8Array>> {
  const outlet = newOutlet()
  takePlace(outlet, c.var.caller.id)
  const sockets: WebSocket[] = []
  const close = (): void => {
    open.delete(outlet)
    outlet.end(AGAIN)
    for (const socket of sockets) {
      socket.close()
    }
  }
  try {
    await watch(c, wanted, { outlet, sockets })
  } catch (error) {
    close()
    throw error
  }
  const isFleet = wanted.devices.length === 0
  inBackground(c.executionCtx, keepUp(c, { outlet, isFleet, close }))
  const encoder = new TextEncoder()
  const written: number[] = []
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const next = await outlet.next()
        if (!next) {
          close()
          controller.close()
          return
        }
        controller.enqueue(encoder.encode(next.text))
        if (next.isEntry && written.push(clock.now()) >= MAX_A_SECOND) {
          await wait(Math.max(0, (written.shift() ?? 0) + 1000 - clock.now()))
        }
      },
      cancel: close,
    },
    { highWaterMark: 0 },
  )
}

/**
 * Makes room in the key by the end of its oldest stream: a client that has left is noticed at the next write
 * only, so a person who goes from page to page leaves many behind. A stream ends itself: the runtime lets no
 * request touch the streams and sockets of another. @throws RequestError for too many that have not ended yet
 */
function takePlace(outlet: Outlet, key: string): void {
  const now = clock.now()
  for (const [other, { at }] of open) {
    if (at < now - GONE) {
      open.delete(other)
    }
  }
  if (open.size >= MAX_STREAMS) {
    throw new RequestError('too many streams are open: try again later', 'unavailable')
  }
  const ofKey = [...open.values()].filter((one) => one.key === key && !one.isDisplaced)
  const [oldest] = ofKey
  if (oldest && ofKey.length >= MAX_OF_KEY) {
    oldest.isDisplaced = true
  }
  open.set(outlet, { key, at: now, isDisplaced: false })
}

/** Adds its sockets to `sockets`, also before an error: the caller closes them. */
async function watch(
  { env }: AppContext,
  { devices, filter, after }: Wanted,
  { outlet, sockets }: { readonly outlet: Outlet; readonly sockets: WebSocket[] },
): Promise<void> {
  const told = ({ entries, skipped }: LiveMessage): void => {
    const some = entries.filter((entry) => isWanted(filter, entry))
    // What had no room is counted unread: it may be what this filter wants.
    if (some.length > 0 || skipped > 0) {
      outlet.tell(some, skipped)
    }
  }
  const closed: Heard['closed'] = (isDisplaced) => {
    outlet.end(isDisplaced ? TOO_MANY : AGAIN)
  }
  if (devices.length > 0) {
    outlet.say(helloText({ id: 0, isMissing: after !== undefined }))
    const heard: Heard = { hello: () => undefined, told, closed }
    const opening = devices.map(async (id) => {
      sockets.push(await watchDevice(env, id, heard))
    })
    await Promise.allSettled(opening)
    await Promise.all(opening)
    return
  }
  const hello: Heard['hello'] = ({ since, last, isMissing, entries }) => {
    outlet.say(helloText({ id: entries.length > 0 ? (after ?? 0) : last, isMissing }))
    for (const entry of entries.filter((one) => isWanted(filter, one))) {
      outlet.say(entryText(entry))
    }
    if (since > clock.now()) {
      // Until then, an isolate may not know yet that somebody watches.
      clock.after(since - clock.now(), () => {
        outlet.say(ownEventText('missed', { skipped: null }))
      })
    }
  }
  sockets.push(await watchFleet(env, after, { hello, told, closed }))
}

function helloText({
  id,
  isMissing,
}: {
  readonly id: number
  readonly isMissing: boolean
}): string {
  return `retry: 2000\n${ownEventText('hello', { now: iso(clock.now()), missed: isMissing }, id)}`
}

interface Upkeep {
  readonly outlet: Outlet
  readonly isFleet: boolean
  readonly close: () => void
}

/** Beats until the stream ends, and ends it when its key does. */
async function keepUp(c: AppContext, { outlet, isFleet, close }: Upkeep): Promise<void> {
  const until = clock.now() + LIFE
  let nextBeat = clock.now() + EVERY
  while (clock.now() < until) {
    await wait(LOOK)
    const kept = open.get(outlet)
    if (!kept || kept.isDisplaced) {
      outlet.end(TOO_MANY)
      close()
      return
    }
    kept.at = clock.now()
    if (clock.now() < nextBeat) {
      continue
    }
    nextBeat = clock.now() + EVERY
    const reason = await reasonToEnd(c, isFleet)
    if (reason !== '') {
      outlet.end({ reason })
      close()
      return
    }
    if (outlet.isIdle()) {
      outlet.say(ownEventText('ping', { now: iso(clock.now()) }))
    }
  }
  close()
}

/** Why a stream cannot go on; empty if it can. */
async function reasonToEnd(c: AppContext, isFleet: boolean): Promise<string> {
  try {
    if (!(await mayGoOn(c, 'read'))) {
      return 'the key or the session has ended'
    }
    if (isFleet) {
      await keepWatched(c.env)
    }
    return ''
  } catch (error) {
    warn('stream:ended', { reason: reasonOf(error) })
    return 'the server cannot go on just now: connect again'
  }
}
