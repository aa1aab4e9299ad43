import type { Scope } from './scopes.ts'

/** The sender of an admin's request, once its key or its session is proven. */
export interface Caller {
  /** The key: `queued_by` and the audit show it. It opens nothing. */
  readonly id: string
  /** The name of the key, for people. */
  readonly name: string
  readonly scopes: readonly Scope[]
  /** When the key or the session ends (milliseconds); absent for one without an end. */
  readonly expiresAt?: number
  /** The key's secret before its last roll, which is good for a while. */
  readonly isOldSecret?: true
  /** In a session of the console, the person who signed in with the key. */
  readonly session?: { readonly hash: string; readonly who: string }
}
