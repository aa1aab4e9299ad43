import type { Bodies } from '../../storage/bodies.ts'
import type { DeviceState } from './state.ts'

/** How long results are kept: how many per channel, how old; `latest` keeps one per RequestType. */
export interface KeepResults {
  readonly kind: 'none' | 'latest' | 'bounded'
  readonly count: number
  readonly ms: number
}

/** A number, and a time in milliseconds, whichever is reached first. */
export interface Limit {
  readonly count: number
  readonly ms: number
}

export interface DeviceSettings {
  readonly keepResults: KeepResults
  /** How many of a device's events stay after every subscriber had them; none when the count is 0. */
  readonly keepEvents: Limit
  /** How many commands may wait on a channel. */
  readonly maxQueue: number
  /** How often, and since when, a device may say NotNow to a command before it is an event. */
  readonly deferredAfter: Limit
  readonly trustOnFirstUse: boolean
  readonly udidCertAuthWarnOnly: boolean
  /** Milliseconds by which `last_seen` in lists may lag on a device that does nothing else. */
  readonly lastSeenResolution: number
  /** The push certificate's topic; empty when nobody told us. */
  readonly pushTopic: string
}

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
