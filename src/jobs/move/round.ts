/** Applies what came with a fleet from another server, step by step (docs/move-from-micromdm.md). */
import { clock } from '../../clock.ts'
import { requireConfig } from '../../config/config.ts'
import {
  countFailed,
  ITEM_KINDS,
  settleItems,
  waitingItems,
  type ItemKind,
} from '../../directory/moves/items.ts'
import { endActivation } from '../../directory/moves/moves.ts'
import { log, warn } from '../../log.ts'
import { quotaOf, RESIDENT } from '../batch.ts'
import type { JobFacts } from '../rows.ts'
import type { Round, RoundKind, Step, WorkEnv } from '../work.ts'
import { APPLY } from './apply.ts'

export const moveKind: RoundKind = { step: moveNext }

/** Names the job. */
export const MOVE = 'move'

interface Work {
  readonly move: string
  /** The latest steps: when, and how many devices they called. */
  readonly touched: readonly { readonly at: number; readonly count: number }[]
  /** The last item that was applied: a step need not read all before it. Absent at the beginning. */
  readonly last?: { readonly kind: ItemKind; readonly id: string }
}

/**
 * How many items of each kind a step applies, and about how many bytes of them. A step calls each device
 * once, and the free plan has fifty calls in an invocation.
 */
const BATCH: Readonly<Record<ItemKind, number>> = {
  authority: 1,
  certificate: 90,
  profile: 10,
  setup_user: 10,
  blueprint: 5,
  dep_key: 5,
  dep_account: 3,
  challenge: 90,
  device: 35,
  kept: 90,
}
const BATCH_BYTES = 8_000_000
/** A step writes its certificates in hexadecimal in one parameter of D1, which has at most 2 MB. */
const CERTIFICATES_BYTES = 500_000

export function moveRound(move: string): Pick<JobFacts, 'name' | 'kind' | 'work'> {
  return { name: MOVE, kind: 'move', work: workOf({ move, touched: [] }) }
}

/** The next items of one kind. To apply an item twice changes nothing. */
async function moveNext(env: WorkEnv, { work }: Round): Promise<Step> {
  const { move, touched, last }: Work = JSON.parse(work)
  const { jobBurst, sealer } = requireConfig(env)
  const began = clock.now()
  const { quota, freeAt } = quotaOf({ pace: 0 }, jobBurst, touched, began)
  if (quota === 0) {
    return { total: 0, failed: 0, work, after: { kind: 'wait', until: freeAt } }
  }
  for (const kind of ITEM_KINDS.slice(last ? ITEM_KINDS.indexOf(last.kind) : 0)) {
    const limit = Math.min(BATCH[kind], quota)
    const after = kind === last?.kind ? last.id : ''
    const bytes = kind === 'certificate' ? CERTIFICATES_BYTES : BATCH_BYTES
    const items = await waitingItems(env.DB, sealer, move, { kind, after, limit, bytes })
    const end = items.at(-1)
    if (end) {
      const outcomes = await APPLY[kind](env, items, move)
      await settleItems(env.DB, move, kind, outcomes)
      const recent = touched.filter(({ at }) => at > began - RESIDENT)
      const called = kind === 'device' ? [{ at: began, count: items.length }] : []
      return {
        total: kind === 'device' ? items.length : 0,
        failed: [...outcomes.values()].filter(({ outcome }) => outcome === 'failed').length,
        work: workOf({ move, touched: [...recent, ...called], last: { kind, id: end.id } }),
        after: { kind: 'wait', until: clock.now() },
      }
    }
  }
  return last
    ? // A second activation makes items wait again that failed, also those before the last one.
      {
        total: 0,
        failed: 0,
        work: workOf({ move, touched }),
        after: { kind: 'wait', until: began },
      }
    : endOf(env, move, work)
}

/** Items that failed wait for the next activation. */
async function endOf(env: WorkEnv, move: string, work: string): Promise<Step> {
  const end = { total: 0, failed: 0, work }
  const failed = await countFailed(env.DB, move)
  if (failed > 0) {
    warn('move:incomplete', { move, failed })
    return { ...end, after: { kind: 'stopped', reason: `${failed} items failed: activate again` } }
  }
  await endActivation(env.DB, move, clock.now())
  log('move:active', { move })
  return { ...end, after: { kind: 'finished' } }
}

function workOf(work: Work): string {
  return JSON.stringify(work)
}
