import { inTime } from '../clock.ts'
import { reasonOf } from '../reason.ts'
import { warn } from '../log.ts'
import {
  countDeadLetters,
  findDeadLetter,
  oldestDeadLetters,
  removeDeadLetter,
  type DeadLetter,
} from './dead-letters.ts'
import { PATIENCE, wakeLane } from './pump.ts'
import type { Subscription } from './subscription.ts'

/** `gone`: its device keeps the event no longer. */
export type Retried = 'retried' | 'gone'

/** How many dead letters are retried, are gone from their devices, and are left. */
export type RetriedCounts = Record<Retried | 'left', number>

export async function retryDeadLetter(
  subscription: Subscription,
  n: number,
): Promise<Retried | 'unknown'> {
  const found = findDeadLetter(subscription.db, n)
  return found ? retry(subscription, found) : 'unknown'
}

export async function retryDeadLetters(
  subscription: Subscription,
  limit: number,
): Promise<RetriedCounts> {
  const oldest = oldestDeadLetters(subscription.db, limit)
  const counts = await retryEach(oldest, (one) => retry(subscription, one))
  return { ...counts, left: countDeadLetters(subscription.db) }
}

/** @returns whether there was such a dead letter */
export async function deleteDeadLetter({ id, db, env }: Subscription, n: number): Promise<boolean> {
  const found = findDeadLetter(db, n)
  if (!found) {
    return false
  }
  await env.DEVICE.getByName(found.device).givenUp(id, found.sequence, false)
  removeDeadLetter(db, n)
  return true
}

/** The device posts the event again, separately from its others. */
async function retry(
  subscription: Subscription,
  { device, sequence, n }: DeadLetter,
): Promise<Retried> {
  const { id, db, env } = subscription
  const call = env.DEVICE.getByName(device).givenUp(id, sequence, true)
  const isKept = await inTime(PATIENCE, call)
  removeDeadLetter(db, n)
  if (isKept) {
    wakeLane(subscription, [device])
  }
  return isKept ? 'retried' : 'gone'
}

/** Retries each. If a device cannot be reached, its dead letter stays, and the others are retried. */
export async function retryEach(
  letters: readonly DeadLetter[],
  retryOne: (letter: DeadLetter) => Promise<Retried>,
): Promise<Record<Retried, number>> {
  const counts = { retried: 0, gone: 0 }
  for (const letter of letters) {
    try {
      counts[await retryOne(letter)] += 1
    } catch (error) {
      warn('webhook:device-unreachable', { device: letter.device, reason: reasonOf(error) })
    }
  }
  return counts
}
