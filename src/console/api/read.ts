import { signal, type ReadonlySignal, type Signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { every, serverNow } from '../time/clock.ts'
import { addressOf, get, type Answer, type CallOptions } from './call.ts'
import type { Fault } from './fault.ts'
import { whenPersonGoes } from './session.ts'
import type { AnswerOf, Parameters, Paths, PathWith } from './types.ts'

/** What a screen knows of one address. Old data stays while new data comes, and when it does not come. */
export interface Reading<Value> {
  readonly value?: Value
  /** The server's time when `value` came. */
  readonly at?: number
  readonly fault?: Fault
  readonly isBusy: boolean
}

interface Entry {
  readonly state: Signal<Reading<unknown>>
  readonly load: (signal: AbortSignal) => Promise<Answer<unknown>>
  readers: number
  running: AbortController | undefined
}

export interface Read<Value> {
  readonly state: ReadonlySignal<Reading<Value>>
  readonly again: () => void
}

/** How many addresses without a reader are kept, so that Back shows at once what was there. */
const KEPT = 50

const entries = new Map<string, Entry>()

/**
 * Reads an address while a screen shows it. Screens that show the same address share one request. A value
 * from before is shown at once, then read again.
 *
 * @param options.each reads again after so many milliseconds, for what no event tells
 */
export function useRead<P extends PathWith<'get'>>(
  path: P,
  sent: Omit<Parameters<Paths[P]['get']>, 'body'>,
  options: { readonly each?: number } = {},
): Read<AnswerOf<Paths[P]['get']>> {
  const address = addressOf(
    path,
    'path' in sent ? sent.path : {},
    'query' in sent ? sent.query : {},
  )
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `sent` lacks only the signal
  const full = sent as Parameters<Paths[P]['get']> & CallOptions
  const entry = entryOf(address, (abort) => get(path, { ...full, signal: abort }))
  useEffect(() => {
    entry.readers++
    // Lines of one list begin to show the same address at once.
    if (!entry.running) {
      void refresh(entry)
    }
    const end =
      options.each === undefined ? undefined : every(options.each, () => void refresh(entry))
    return () => {
      end?.()
      entry.readers--
      if (entry.readers === 0) {
        entry.running?.abort()
        entry.running = undefined
        trim()
      }
    }
  }, [entry])
  return {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the entry of this address
    state: entry.state as Signal<Reading<AnswerOf<Paths[P]['get']>>>,
    again: () => void refresh(entry),
  }
}

/** Reads again what screens show of addresses that begin so. What no screen shows is read when one does. */
export function readAgain(prefix: string): void {
  for (const [address, entry] of entries) {
    if (entry.readers > 0 && address.startsWith(prefix)) {
      void refresh(entry)
    }
  }
}

/** After a change of one's own: forgets, too, what no screen shows, as it would come back as it was. */
export function changed(prefix: string): void {
  for (const [address, { readers }] of entries) {
    if (readers === 0 && address.startsWith(prefix)) {
      entries.delete(address)
    }
  }
  readAgain(prefix)
}

// Another person may not read what this one did.
whenPersonGoes(() => {
  for (const [address, entry] of entries) {
    entry.running?.abort()
    if (entry.readers > 0) {
      entry.state.value = { isBusy: false }
      void refresh(entry)
    } else {
      entries.delete(address)
    }
  }
})

function entryOf(address: string, load: Entry['load']): Entry {
  const known = entries.get(address)
  if (known) {
    return known
  }
  const entry: Entry = {
    state: signal<Reading<unknown>>({ isBusy: true }),
    load,
    readers: 0,
    running: undefined,
  }
  entries.set(address, entry)
  return entry
}

async function refresh(entry: Entry): Promise<void> {
  entry.running?.abort()
  const controller = new AbortController()
  entry.running = controller
  const { fault: _fault, ...before } = entry.state.value
  entry.state.value = { ...entry.state.value, isBusy: true }
  const answer = await entry.load(controller.signal)
  if (controller.signal.aborted) {
    return
  }
  entry.running = undefined
  entry.state.value = answer.ok
    ? { value: answer.value, at: serverNow(), isBusy: false }
    : { ...before, fault: answer.fault, isBusy: false }
}

function trim(): void {
  const unread = [...entries].filter(([, { readers }]) => readers === 0)
  for (const [address] of unread.slice(0, Math.max(0, unread.length - KEPT))) {
    entries.delete(address)
  }
}
