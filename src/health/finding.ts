import type { Facts } from './facts.ts'

/** `down`: the server cannot do its work. `error`: a part of it cannot. `warn`: it soon cannot. */
export type HealthLevel = 'warn' | 'error' | 'down'

/** One thing that is wrong. */
export interface Finding {
  readonly level: HealthLevel
  readonly text: string
  readonly fix: string
  /** Milliseconds; 0 if it is not known. */
  readonly since: number
  /** Of a receiver that is down: the id of its webhook. */
  readonly webhook?: string
}

/** A check that the server runs by itself. */
export interface HealthCheck {
  /** Stable: alerts and scripts select by it. */
  readonly id: string
  /** What holds if the check finds nothing. */
  readonly title: string
  /** @returns what is wrong; `undefined` if that is not known */
  readonly find: (facts: Facts) => readonly Finding[] | undefined
}

export const NONE: readonly Finding[] = []

/** The fix for a directory that is not migrated. */
export const MIGRATE = 'run `wrangler d1 migrations apply DB --remote`'

/** A part of the server cannot do its work. Since when is not known. */
export function failed(text: string, fix: string): Finding {
  return { level: 'error', text, fix, since: 0 }
}

/** The same for what it soon cannot do. */
export function warned(text: string, fix: string): Finding {
  return { level: 'warn', text, fix, since: 0 }
}

/** The fix for values that cannot be opened. */
export const KEY_BACK =
  'put that key back into SEAL_KEYS, behind the newest one: what it sealed cannot be read without it'
