import type { Bodies } from '../../storage/bodies.ts'
import type { DeviceSettings } from '../../config/settings.ts'
import type { DeviceState } from './state.ts'

/** What the queue has to hear of a device: who has events to come for, and whether the directory has a new row. */
export interface News {
  /** Subscribers; empty text stands for those that were unknown when an event was written. */
  readonly readers: string[]
  directory: boolean
}

/** What a commit asks to happen after it. */
export interface Effects {
  readonly news: News
  /** The alarm has to ring no later than this (milliseconds). */
  wakeBy: number
  /** Channels that have something new to fetch. */
  readonly push: Set<number>
  /** Row ids of commands that came to an end: whoever waits for them is told. */
  readonly finished: Set<number>
  /** Warnings for the operator's log, and what happened without any: never payloads, tokens, secrets, UserIDs or names of users. */
  readonly notes: Note[]
  readonly happened: Note[]
}

export interface Note {
  readonly event: string
  readonly [detail: string]: string | number | boolean
}

/** Everything that a decision needs, for the length of one commit. */
export interface Context extends Bodies {
  readonly state: DeviceState
  readonly settings: DeviceSettings
  readonly now: number
  /** SHA-256, hexadecimal: tells whether two reports are the same. */
  readonly hash: (bytes: Uint8Array) => string
  readonly effects: Effects
}

export function newEffects(): Effects {
  return {
    news: { readers: [], directory: false },
    wakeBy: Infinity,
    push: new Set(),
    finished: new Set(),
    notes: [],
    happened: [],
  }
}

export function wakeBy(context: Context, at: number): void {
  context.effects.wakeBy = Math.min(context.effects.wakeBy, at)
}
