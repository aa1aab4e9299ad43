/** What the alarm of an account does, and when it rings. */
import { clock } from '../clock.ts'
import type { DepRefusal } from '../dep/client.ts'
import { expiryNotice } from '../dep/standing.ts'
import { nextDue } from '../directory/dep/devices.ts'
import { warn } from '../log.ts'
import { assignDue } from './assign.ts'
import { isResting } from './call.ts'
import { planOn } from './planner.ts'
import { runPages } from './run.ts'
import {
  isInstalled,
  QUICK_FOR,
  save,
  type Account,
  type DepRunReport,
  type OpenAccount,
} from './state.ts'
import { tellDep } from './tell.ts'

/** An alarm whose process died rings again after this time. */
export const FALLBACK = 60_000

export type SyncResult =
  | { readonly kind: 'done'; readonly run: DepRunReport | undefined }
  /** The alarm goes on with it. */
  | { readonly kind: 'running' }
  | { readonly kind: 'refused'; readonly answer: DepRefusal }

/** Does the next piece of work: pages of a run first, then rules, then assignments. One piece at a time. */
export function workOn(account: OpenAccount, byHand: boolean): Promise<DepRefusal | undefined> {
  account.working ??= nextPiece(account, byHand).finally(() => {
    account.working = undefined
  })
  return account.working
}

/** A piece that is under way may have begun before a person asked for a sync. */
async function workAfter(account: OpenAccount): Promise<DepRefusal | undefined> {
  await account.working?.catch(() => undefined)
  const refusal = await workOn(account, true)
  await arm(account)
  return refusal
}

async function nextPiece(account: OpenAccount, byHand: boolean): Promise<DepRefusal | undefined> {
  await tellExpiry(account)
  const { state } = account
  const now = clock.now()
  if (!byHand && (now >= state.expiresAt || isResting(account, now))) {
    return undefined
  }
  if (state.run || state.wantsFull || state.nextSyncAt <= now) {
    const refusal = await runPages(account)
    if (refusal || account.state.run) {
      return refusal
    }
  }
  if (await planOn(account)) {
    await assignDue(account)
  }
  return undefined
}

function restOf({ standing }: OpenAccount['state']): number {
  return Math.max(standing.notBefore, standing.restUntil)
}

async function tellExpiry(account: OpenAccount): Promise<void> {
  const { expiresAt, noticed } = account.state
  const days = expiryNotice(expiresAt, clock.now(), noticed)
  if (days === undefined) {
    return
  }
  save(account, { noticed: days })
  warn('dep:token-expires', { account: account.id, days })
  const about = { expires_in_days: days, expires_at: new Date(expiresAt).toISOString() }
  await tellDep(account.env, account.id, { topic: 'dep.account', about })
}

/** When the alarm has to ring; undefined for never: a token that has ended lets nothing happen. */
export async function nextWork(account: Account): Promise<number | undefined> {
  const now = clock.now()
  if (!isInstalled(account) || account.state.expiresAt <= now) {
    return undefined
  }
  const { state } = account
  const isOpen = state.run || state.wantsFull || state.planAfter !== undefined
  const due = isOpen ? now : await nextDue(account.env.DB, account.id)
  const assignAt = Math.max(due ?? Infinity, account.assignAt)
  const work = Math.max(isOpen ? now : Math.min(state.nextSyncAt, assignAt), restOf(state))
  return Math.max(now, Math.min(work, state.expiresAt))
}

/** Synchronizes now, and waits for the end at most so many milliseconds. */
export async function syncNow(
  account: OpenAccount,
  { full, waitMs }: { readonly full: boolean; readonly waitMs: number },
): Promise<SyncResult> {
  const now = clock.now()
  const { state, ended } = account
  const wantsFull = state.wantsFull || full
  save(account, { nextSyncAt: now, quickUntil: now + QUICK_FOR, wantsFull })
  await account.ctx.storage.setAlarm(now + FALLBACK)
  const late = Promise.withResolvers<'late'>()
  const cancelTimer = clock.after(waitMs, () => {
    late.resolve('late')
  })
  const work = workAfter(account)
  account.ctx.waitUntil(work.catch(() => undefined))
  try {
    const refusal = await Promise.race([work, late.promise])
    if (refusal === 'late') {
      return { kind: 'running' }
    }
    if (refusal) {
      return { kind: 'refused', answer: refusal }
    }
    const isOpen = account.state.run || account.state.wantsFull
    if (isOpen && (await Promise.race([ended.promise, late.promise])) === 'late') {
      return { kind: 'running' }
    }
    return { kind: 'done', run: account.state.lastRun }
  } finally {
    cancelTimer()
  }
}

/** Sets the alarm for the next piece of work. */
export async function arm(account: Account): Promise<void> {
  const next = await nextWork(account)
  if (next === undefined) {
    await account.ctx.storage.deleteAlarm()
  } else {
    await account.ctx.storage.setAlarm(next)
  }
}
