import type { AccountRef, CloudflareApi } from '../deploy/cloudflare/api.ts'

/** What a check has found. Texts are one sentence each, without a full stop; none holds a key. */
export type DoctorVerdict =
  | { readonly level: 'ok' | 'skip'; readonly seen: string }
  | {
      readonly level: 'warn' | 'fail'
      readonly seen: string
      /** What a good server shows. */
      readonly want?: string
      /** What to do. */
      readonly fix: string
    }

/** A finding of `GET /api/health`, and of a probe (docs/health.md). */
export interface ServerFinding {
  readonly since: string | null
  readonly level: 'warn' | 'error' | 'down'
  readonly text: string
  readonly fix: string
}

/** The answer of `GET /api/health`. An older server leaves out what it does not know. */
export interface ServerHealth {
  readonly ready: boolean
  readonly checked_at: string
  readonly checks: readonly {
    readonly id: string
    readonly title: string
    readonly known: boolean
    readonly findings: readonly ServerFinding[]
  }[]
  readonly version?: string
  readonly public_url?: string | null
  readonly push_topic?: string | null
}

/** The answer of `POST /api/health/probes/{probe}`. */
export interface ProbeAnswer {
  /** What was tried and seen, for people. */
  readonly seen: string
  readonly findings: readonly (ServerFinding & { readonly id: string })[]
}

/** The account of the deployment, and its Worker. */
export interface DoctorAccount {
  readonly api: CloudflareApi
  readonly account: AccountRef
  readonly worker: string
}

export interface DoctorContext {
  /** An origin: no slash at its end. */
  readonly url: string
  readonly key?: string
  readonly account?: DoctorAccount
  /** Ends with the time of the check. A redirect is not followed. */
  readonly fetch: typeof fetch
  /** Milliseconds. */
  readonly now: () => number
  /** A server of `npm start`: neither TLS nor an account. */
  readonly isLocal: boolean
  /** Of this repository. */
  readonly version: string
  /** `GET /api/health`, which is asked once. @throws ApiError */
  readonly health: () => Promise<ServerHealth>
  /** The probe `devices`, which looks at a sample of them, once. @throws ApiError */
  readonly devices: () => Promise<ProbeAnswer>
}

export interface DoctorCheck {
  readonly number: number
  /** Stable: scripts select by it. */
  readonly id: string
  /** What holds if the check is ok. */
  readonly title: string
  /** `server`: check 1 is ok. `key`: also a key. A check without what it needs is skipped. */
  readonly needs: 'nothing' | 'server' | 'key' | 'account'
  /** There is nothing to check at a server of `npm start`. */
  readonly isCloudOnly?: true
  /** Its time, if it is not 10. */
  readonly seconds?: number
  readonly run: (context: DoctorContext) => Promise<DoctorVerdict>
}

/** Why a check that needs a key was skipped without one. */
export const NEEDS_A_KEY = 'they need a key: --key KEY, or API_KEY in the environment'

export type DoctorResult = DoctorVerdict & Pick<DoctorCheck, 'number' | 'id' | 'title'>
