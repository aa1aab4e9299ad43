import { MAX_CONCURRENCY } from '../config/values.ts'
import type { DeviceNamespace } from '../device/stub.ts'
import { resumeBacklog, type Backlog } from './backlog.ts'
import { sqlite, type Db } from '../storage/db.ts'
import type { ReceiverCircuit } from './circuit.ts'
import { newLane, type Lane } from './lane.ts'
import { openLog, type PostLog } from './log.ts'
import { webhookSource, type WebhookSource } from './settings.ts'
import { DEAD_LETTERS_TABLES } from './dead-letters.ts'
import { withTables } from '../storage/tables.ts'

export interface SubscriberEnv {
  readonly DEVICE: DeviceNamespace
  readonly DB: D1Database
}

/** One webhook in the memory of its Subscriber object. */
export interface Subscription extends Backlog {
  readonly id: string
  readonly env: SubscriberEnv
  readonly ctx: Pick<DurableObjectState, 'storage' | 'waitUntil' | 'exports'>
  readonly db: Db
  readonly settings: WebhookSource
  readonly lane: Lane
  readonly log: PostLog
  /** The webhook was removed. Posts that were in flight leave nothing behind. */
  removed: boolean
  isReadingBacklog: boolean
  cancelTimer: (() => void) | undefined
}

const CIRCUIT = 'receiver'
const PAUSED = 'paused'

export function openSubscription(ctx: DurableObjectState, env: SubscriberEnv): Subscription {
  const id = ctx.id.name ?? ''
  const { kv, sql } = ctx.storage
  const circuit = kv.get<ReceiverCircuit>(CIRCUIT)
  resumeBacklog(kv)
  return {
    id,
    env,
    ctx,
    db: withTables(sqlite(sql), DEAD_LETTERS_TABLES),
    settings: webhookSource(env, id),
    lane: newLane(MAX_CONCURRENCY, circuit, kv.get<boolean>(PAUSED)),
    log: openLog(kv),
    removed: false,
    isReadingBacklog: false,
    manySince: undefined,
    cancelTimer: undefined,
  }
}

export function pauseLane({ ctx, lane }: Subscription, paused: boolean): void {
  ctx.storage.kv.put(PAUSED, paused)
  lane.paused = paused
}

export function storeCircuit({ ctx, lane, removed }: Subscription): void {
  if (!removed) {
    ctx.storage.kv.put(CIRCUIT, lane.circuit)
  }
}
