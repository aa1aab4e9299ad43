/** Tells devices of changed declarations (docs/architecture.md §28). */
import { clock } from '../../clock.ts'
import { requireConfig } from '../../config/config.ts'
import {
  EVERY_DEVICE,
  MOST_SILENT,
  pendingChanges,
  settleChanges,
  type PendingChanges,
} from '../../directory/declarations/changes.ts'
import { loadCatalog } from '../../directory/declarations/catalog.ts'
import { devicesOfSets } from '../../directory/declarations/members.ts'
import { offerTo } from '../../directory/declarations/offer.ts'
import { enrolledAfter } from '../../directory/devices/walk.ts'
import { log, warn } from '../../log.ts'
import { quotaOf, RESIDENT } from '../batch.ts'
import type { Round, RoundKind, Step, WorkEnv } from '../work.ts'

export const declarationsKind: RoundKind = { step: offerNext }

/** A pass over the devices that some changes concern. */
interface Pass {
  readonly changes: PendingChanges
  readonly isForAll: boolean
  /** The last device that was told. */
  readonly place: string
  readonly silent: readonly string[]
}

interface Work {
  readonly pass?: Pass
  /** The latest steps: when, and how many devices they called. */
  readonly touched: readonly { readonly at: number; readonly count: number }[]
}

/** How many devices a step calls: the free plan has fifty calls in an invocation. */
const PAGE = 40
/** When devices that did not answer are tried again. */
const TRY_AGAIN = 60_000

/** The next devices of a pass, or the next pass. To offer a device the same twice changes nothing. */
async function offerNext(env: WorkEnv, { work }: Round): Promise<Step> {
  const { pass, touched }: Work = work === '' ? { touched: [] } : JSON.parse(work)
  const began = clock.now()
  const { quota, freeAt } = quotaOf({ pace: 0 }, requireConfig(env).jobBurst, touched, began)
  if (quota === 0) {
    return { total: 0, failed: 0, work, after: { kind: 'wait', until: freeAt } }
  }
  const present = pass ?? (await nextPass(env))
  if (!present) {
    return { total: 0, failed: 0, work: '', after: { kind: 'finished' } }
  }
  const limit = Math.min(PAGE, quota)
  const devices = await devicesAfter(env.DB, present, limit)
  if (devices.length === 0) {
    return endPass(env, present, touched)
  }
  const { forced, since } = present.changes
  const silent = await offerTo(env, devices, forced ? since : undefined)
  const next: Work = {
    pass: {
      ...present,
      place: devices.at(-1) ?? present.place,
      silent: [...present.silent, ...silent].slice(0, MOST_SILENT),
    },
    touched: [
      ...touched.filter(({ at }) => at > began - RESIDENT),
      { at: began, count: devices.length },
    ],
  }
  return {
    total: devices.length,
    failed: silent.length,
    work: JSON.stringify(next),
    after: { kind: 'wait', until: clock.now() },
  }
}

async function nextPass(env: WorkEnv): Promise<Pass | undefined> {
  const changes = await pendingChanges(env.DB)
  if (!changes) {
    return undefined
  }
  const { sets } = await loadCatalog(env.DB)
  const isForAll = changes.sets.some((name) => name === EVERY_DEVICE || sets.get(name)?.rule)
  return { changes, isForAll, place: '', silent: [] }
}

/** Members that are in no list of devices too: their objects know better. */
async function devicesAfter(d1: D1Database, pass: Pass, limit: number): Promise<readonly string[]> {
  const { changes, isForAll, place } = pass
  const [all, members] = await Promise.all([
    isForAll ? enrolledAfter(d1, place, limit) : [],
    devicesOfSets(d1, changes.sets, place, limit),
  ])
  const named = changes.devices.filter((device) => device > place)
  return [...new Set([...all, ...members, ...named])].toSorted().slice(0, limit)
}

/** Devices that did not answer are tried again in a minute. */
async function endPass(env: WorkEnv, pass: Pass, touched: Work['touched']): Promise<Step> {
  const { changes, silent } = pass
  await settleChanges(env.DB, changes, silent, clock.now())
  if (silent.length > 0) {
    warn('declarations:devices-silent', { count: silent.length })
  }
  log('declarations:told', { revision: changes.upTo })
  const until = clock.now() + (silent.length > 0 ? TRY_AGAIN : 0)
  const work = JSON.stringify({ touched })
  return { total: 0, failed: 0, work, after: { kind: 'wait', until } }
}
