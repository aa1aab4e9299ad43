/** The stream of what happens (docs/stream.md), while somebody looks at the page. */
import { computed, effect, type ReadonlySignal, signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { after, serverNow, setServerTime } from '../time/clock.ts'
import { request } from './call.ts'
import { isOffline } from './connection.ts'
import { readEvents, type StreamEvent } from './events.ts'
import { ALL, type Activity, backOff, addressOfDevice, newNews } from './news.ts'
import { readAgain } from './read.ts'
import { may, sessionState } from './session.ts'

/** `off`: without a session or the scope for it, and while the page is hidden. */
export type LiveState = 'live' | 'not-live' | 'off'
type LiveTopic = 'device' | 'command' | 'push' | 'declaration' | 'setup' | 'job'

export const live = signal<LiveState>('off')

/** A page that is hidden for so long closes its stream. */
const HIDDEN_FOR = 60_000
/** While an answer is waited for, it stays open for half an hour. */
const WAITS_AGAIN = 29
/** A break that is shorter than this is not shown. */
const SHORT = 3000
/** The server beats every 25 seconds. */
const SILENT = 60_000

const isAway = signal(false)
let waits = (): boolean => false
const listeners = new Set<(entry: Activity) => void>()
const news = newNews()
let cancelFlush: (() => void) | undefined
let cancelLoss: (() => void) | undefined
/** The last entry of the fleet that came. */
let lastId = ''
/** Devices that the server does not know: the fleet's stream tells when they come. */
const unknown = new Set<string>()

/** Calls back for each entry of some topics, while the screen is there. Without topics: for all. */
export function useLive(
  topics: readonly LiveTopic[] | undefined,
  onEvent: (entry: Activity) => void,
): void {
  const wanted = useRef({ topics, onEvent })
  wanted.current = { topics, onEvent }
  useEffect(() => {
    const listener = (entry: Activity): void => {
      const { topics: some, onEvent: call } = wanted.current
      if (some?.some((topic) => entry.kind.startsWith(`${topic}.`)) ?? true) {
        call(entry)
      }
    }
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
    }
  }, [])
}

/**
 * Keeps a stream open: on a device's page that of the device, on all others that of the fleet. What it tells
 * is read again where a screen shows it.
 *
 * @param path of the page
 */
export function followLive(path: ReadonlySignal<string>): void {
  followVisibility()
  const device = computed(() => deviceIn(path.value))
  let open: AbortController | undefined
  effect(() => {
    const isWanted = sessionState.value.kind === 'signed_in' && may('read') && !isAway.value
    const id = device.value
    open?.abort()
    open = isWanted && !isOffline.value ? new AbortController() : undefined
    if (open) {
      void keepOpen(id, open.signal)
    } else {
      noteLoss(0, isWanted ? 'not-live' : 'off')
    }
  })
}

function deviceIn(path: string): string | undefined {
  const id = /^\/console\/devices\/([^/]+)/.exec(path)?.[1]
  try {
    return id && decodeURIComponent(id)
  } catch {
    return id
  }
}

/** @param isWaiting whether somebody waits for something that a hidden page tells */
export function stayLiveWhile(isWaiting: () => boolean): void {
  waits = isWaiting
}

/** Hidden for long, the page needs no stream. */
function followVisibility(): void {
  let cancel: (() => void) | undefined
  document.addEventListener('visibilitychange', () => {
    cancel?.()
    if (document.hidden) {
      const leaveLater = (again: number): void => {
        cancel = after(HIDDEN_FOR, () => {
          if (again > 0 && waits()) {
            leaveLater(again - 1)
          } else {
            isAway.value = true
          }
        })
      }
      leaveLater(WAITS_AGAIN)
    } else {
      isAway.value = false
    }
  })
}

async function keepOpen(device: string | undefined, signalled: AbortSignal): Promise<void> {
  let tries = 0
  while (!signalled.aborted) {
    const of = device !== undefined && unknown.has(device) ? undefined : device
    const isOpened = await readStream(of, signalled)
    if (signalled.aborted || (of !== undefined && unknown.has(of))) {
      continue
    }
    noteLoss(isOpened ? SHORT : 0, 'not-live')
    tries = isOpened ? 0 : tries + 1
    await pause(backOff(tries, Math.random()), signalled)
  }
}

/** Reads a stream to its end. @returns whether it was open, and may be opened again at once */
async function readStream(device: string | undefined, signalled: AbortSignal): Promise<boolean> {
  const isOfFleet = device === undefined
  const answer = await request(
    isOfFleet ? '/api/stream' : `/api/stream?device=${encodeURIComponent(device)}`,
    {
      signal: signalled,
      headers: isOfFleet && lastId !== '' ? { 'last-event-id': lastId } : {},
    },
  )
  if (!answer.ok || !answer.value.body) {
    if (!answer.ok && answer.fault.status === 404 && device !== undefined) {
      unknown.add(device)
    }
    return false
  }
  const reader = answer.value.body.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  let cancel: (() => void) | undefined
  try {
    for (;;) {
      cancel = after(SILENT, () => void reader.cancel())
      const { done, value } = await reader.read()
      cancel()
      if (done) {
        return true
      }
      const { events, rest } = readEvents(text + value)
      text = rest
      events.forEach((event) => {
        take(event, device)
      })
      if (events.some(isDisplaced)) {
        return false
      }
    }
  } catch {
    return true
  } finally {
    cancel?.()
  }
}

/** The server has no room for it: it is not to be opened again at once. */
function isDisplaced({ event, retry }: StreamEvent): boolean {
  return event === 'end' && retry !== undefined
}

function take({ event, id, data }: StreamEvent, device: string | undefined): void {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own server's stream
  const said = JSON.parse(data) as { readonly now?: string; readonly missed?: boolean }
  if (id !== undefined && device === undefined) {
    lastId = id
  }
  if (said.now !== undefined) {
    setServerTime(Date.parse(said.now))
  }
  const now = serverNow()
  if (event === 'message') {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own server's stream
    const entry = said as Activity
    if (entry.device_id !== null) {
      unknown.delete(entry.device_id)
    }
    news.add(entry, now)
    listeners.forEach((listener) => {
      listener(entry)
    })
  } else if (event === 'hello') {
    cancelLoss?.()
    live.value = 'live'
    if (said.missed === true) {
      news.addAddress(ALL, now)
    } else if (device !== undefined) {
      // The page may have read it before the stream was open.
      news.addAddress(addressOfDevice(device), now)
    }
  } else if (event === 'missed') {
    news.addAddress(ALL, now)
  }
  flush()
}

/** Reads again what is due, and comes back for the rest. */
function flush(): void {
  cancelFlush?.()
  news.take(serverNow()).forEach(readAgain)
  const next = news.next()
  cancelFlush = next === undefined ? undefined : after(next - serverNow(), flush)
}

function noteLoss(delay: number, state: LiveState): void {
  cancelLoss?.()
  cancelLoss = after(delay, () => {
    live.value = state
  })
}

function pause(milliseconds: number, signalled: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = after(milliseconds, resolve)
    signalled.addEventListener('abort', () => {
      cancel()
      resolve()
    })
  })
}
