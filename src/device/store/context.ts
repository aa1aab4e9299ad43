import type { Bodies } from '../../storage/bodies.ts'
import type { DeviceSettings } from '../../config/settings.ts'
import { kindOfWord, type LiveNews } from '../../live/entry.ts'
import type { DeviceState } from './state.ts'

/** After this time the alarm announces again: a queue message may be lost, or a request that stores a row. */
export const ANNOUNCE_AFTER = 60_000

/** How many of a commit are told: a clear of a queue ends thousands of commands. */
const MAX_NEWS = 20

/** What a commit leaves to announce. */
export interface ToAnnounce {
  /** Subscribers that have events to read; empty text stands for all while they are unknown. */
  readonly subscribers: string[]
  /** Whether the directory has a new row to store. */
  directory: boolean
  /** The caller stores the row before it answers, or calls `unlisted`: no alarm is needed for it. */
  awaited?: boolean
}

/** The work that follows a commit. */
export interface Effects {
  readonly toAnnounce: ToAnnounce
  /** The alarm has to run no later than this (milliseconds). */
  wakeBy: number
  /** Channels that have something new to fetch. */
  readonly push: Set<number>
  /** Channels that have just connected: a push that waits for one is not needed. */
  readonly connected: Set<number>
  /** Row ids of commands that came to an end: calls that wait for them are answered. */
  readonly finished: Set<number>
  /** A subscriber has passed events, or the directory has the row. */
  settled: boolean
  /** Warnings and lines for the log: never payloads, tokens, secrets, UserIDs or names of users. */
  readonly notes: Note[]
  readonly happened: Note[]
  /** What people who watch the device get to know, up to {@link MAX_NEWS}, and how many more there are. */
  readonly news: LiveNews[]
  moreNews: number
}

export interface Note {
  readonly event: string
  readonly [detail: string]: string | number | boolean
}

/** All that a decision needs, for the length of one commit. */
export interface Context extends Bodies {
  readonly state: DeviceState
  readonly settings: DeviceSettings
  readonly now: number
  /** SHA-256, hexadecimal: equal reports have equal hashes. */
  readonly hash: (bytes: Uint8Array) => string
  readonly effects: Effects
}

export function newEffects(): Effects {
  return {
    toAnnounce: { subscribers: [], directory: false },
    wakeBy: Infinity,
    push: new Set(),
    connected: new Set(),
    finished: new Set(),
    settled: false,
    notes: [],
    happened: [],
    news: [],
    moreNews: 0,
  }
}

/** Tells those who watch the device or the fleet, behind the commit. */
export function tellLive({ effects }: Context, news: LiveNews): void {
  if (effects.news.length < MAX_NEWS) {
    effects.news.push(news)
  } else {
    effects.moreNews += 1
  }
}

/** The same for a word of the log, or the topic of an event, if it is one that is told. */
export function tellWord(context: Context, word: string): void {
  const kind = kindOfWord(word)
  if (kind) {
    tellLive(context, { kind })
  }
}

export function wakeBy(context: Context, at: number): void {
  context.effects.wakeBy = Math.min(context.effects.wakeBy, at)
}

/** Logs that a device or one of its users enrolled or left, or that an admin acted on the device. */
export function logHappening(context: Context, event: string, user: string): void {
  const { effects, name: device } = context
  effects.happened.push({ event, device, ...modelOf(context), ...(user && { user: true }) })
  tellWord(context, event)
}

export function modelOf({ state }: Context): { readonly model?: string } {
  const { ModelName, ProductName, Model } = state.device.facts
  const model = ModelName || ProductName || Model
  return model ? { model } : {}
}
