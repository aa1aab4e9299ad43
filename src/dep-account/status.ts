import { clock } from '../clock.ts'
import type { DepAccountDetail } from '../dep/records.ts'
import type { DepFlag } from '../dep/standing.ts'
import { keyOfSealed } from '../pki/seal/seal.ts'
import { countDepDevices, type DepCounts } from '../directory/dep/search.ts'
import {
  openToken,
  type AssignMode,
  type DepCursor,
  type DepRunReport,
  type OpenAccount,
} from './state.ts'

/** An account as an admin sees it. Times are milliseconds; 0 stands for never or none. */
export interface DepStatus {
  readonly consumerKey: string
  readonly keySerial: string
  readonly tokenAt: number
  readonly expiresAt: number
  readonly detail: DepAccountDetail
  /** Why Apple refuses the account; empty if it does not. */
  readonly flag: DepFlag | ''
  readonly since: number
  /** Apple's own deadline: no call is made before it. */
  readonly notBefore: number
  /** Undefined before the first page. */
  readonly phase: DepCursor['phase'] | undefined
  /** Milliseconds since Apple gave the cursor. */
  readonly cursorAge: number
  /** A run goes on. */
  readonly syncing: boolean
  readonly lastSyncAt: number
  readonly lastFullAt: number
  readonly nextSyncAt: number
  readonly lastRun: DepRunReport | undefined
  readonly assigns: AssignMode
  readonly confirmed: boolean
  readonly counts: DepCounts
  /** Devices that wait for an assignment. */
  readonly waiting: number
}

export async function accountStatus(account: OpenAccount): Promise<DepStatus> {
  const counts = await countDepDevices(account.env.DB, account.id)
  const { state } = account
  const { standing, cursor } = state
  return {
    consumerKey: openToken(account).consumerKey,
    keySerial: state.keySerial,
    tokenAt: state.tokenAt,
    expiresAt: state.expiresAt,
    detail: state.detail,
    flag: standing.flag,
    since: standing.since,
    notBefore: standing.notBefore,
    phase: cursor?.phase,
    cursorAge: cursor ? clock.now() - cursor.at : 0,
    syncing: state.run !== undefined,
    lastSyncAt: state.lastSyncAt,
    lastFullAt: state.fullAt,
    nextSyncAt: state.nextSyncAt,
    lastRun: state.lastRun,
    assigns: state.assigns,
    confirmed: state.assigns === 'all',
    counts,
    waiting: counts.waiting,
  }
}

/** What the health of the deployment needs of an account. Times are milliseconds; 0 stands for never. */
export type DepHealth = Pick<DepStatus, 'flag' | 'since' | 'tokenAt' | 'lastSyncAt'> & {
  /** Ids of the keys that sealed its token and its session. */
  readonly sealKeys: readonly string[]
}

/** It opens nothing and reads no list: it also tells of an account whose key is gone. */
export function accountHealth({ state }: OpenAccount): DepHealth {
  const { standing, tokenAt, lastSyncAt, token, session } = state
  const sealed = session ? [token, session] : [token]
  const { flag, since } = standing
  return { flag, since, tokenAt, lastSyncAt, sealKeys: sealed.map(keyOfSealed) }
}
