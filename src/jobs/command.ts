import { clock } from '../clock.ts'
import { reachDevice, type ReachEnv } from '../device/reach.ts'
import type { Needs } from '../device/store/commands/new-command.ts'
import type { QueuedBy } from '../device/store/commands/queued-by.ts'
import type { Replay } from '../device/outbox/replay.ts'
import { splitEnrollmentId } from '../mdm/enrollment.ts'
import type { CommandState } from '../mdm/queue.ts'
import type { JobRow, Outcome } from './rows.ts'

/** A job in memory, its payload open. */
export interface OpenJob {
  readonly row: JobRow
  readonly payload: Uint8Array
}

export type WorkEnv = ReachEnv

/** A kind of work, done target by target. */
interface Work {
  /**
   * Does one target, or throws when it has to be tried again. It is repeated after a crash, and must not do twice what was done.
   */
  attempt(env: WorkEnv, job: OpenJob, id: string): Promise<Outcome>
  /** How a command went that was queued for a target; `undefined` when nobody knows any more. */
  answer(env: WorkEnv, commandId: string): Promise<CommandState | undefined>
}

/** What a job of the kind `command` keeps as its `work`; the payload rests beside it, sealed when secret. */
export interface CommandWork {
  readonly uuid: string
  /** Each device gets a CommandUUID of its own, and `uuid` stands for it in the payload. */
  readonly isOwn?: boolean
  readonly requestType: string
  /** Milliseconds; 0 stands for none. */
  readonly notBefore: number
  readonly expiresAt: number
  readonly by: QueuedBy
  readonly needs?: Needs
}

/** The clocks of two objects differ by less. */
const CLOCKS = 60_000

export const WORK: Readonly<Record<string, Work>> = {
  command: { attempt: queueCommand, answer: answerOf },
  replay: { attempt: replayEvents, answer: async () => undefined },
}

async function queueCommand(env: WorkEnv, { row, payload }: OpenJob, id: string): Promise<Outcome> {
  const work: CommandWork = JSON.parse(row.work)
  const { uuid, isOwn, requestType, notBefore, expiresAt, by, needs } = work
  if (expiresAt > 0 && expiresAt <= clock.now()) {
    return 'expires_at had passed before its turn came'
  }
  const command = {
    ...(isOwn ? withOwnUuid(uuid, payload) : { uuid, payload }),
    requestType,
    secret: row.secret,
    source: `job/${row.name}${isOwn ? '/own' : ''}`,
    terms: { notBefore, expiresAt, requestKey: '', requestHash: '' },
    by: { ...by, job: row.name },
    needs,
  }
  const reached = await reachDevice(
    env,
    id,
    (device, address) => device.enqueue(address, command, row.createdAt - CLOCKS),
    { queues: requestType },
  )
  if (reached.kind !== 'reached') {
    return reached.error
  }
  const { answer } = reached
  if (answer.kind !== 'queued') {
    return 'error' in answer ? answer.error : answer.kind
  }
  if (answer.known === false) {
    return [answer.id, 'unknown']
  }
  const n = answer.id.startsWith(`${id}.`) ? Number(answer.id.slice(id.length + 1)) : Number.NaN
  return Number.isInteger(n) ? n : [answer.id]
}

/** A profile may bring a device a new identity, which is known by a CommandUUID that no other device was given. */
function withOwnUuid(uuid: string, payload: Uint8Array): { uuid: string; payload: Uint8Array } {
  const own = crypto.randomUUID()
  const text = new TextDecoder().decode(payload)
  const at = text.lastIndexOf(uuid)
  const changed = text.slice(0, at) + own + text.slice(at + uuid.length)
  return { uuid: own, payload: new TextEncoder().encode(changed) }
}

async function answerOf(env: WorkEnv, commandId: string): Promise<CommandState | undefined> {
  const dot = commandId.lastIndexOf('.')
  const { device, user } = splitEnrollmentId(commandId.slice(0, dot))
  return env.DEVICE.getByName(device).commandState(user, Number(commandId.slice(dot + 1)))
}

/** The outcome is how many events go out again. Repeated after a crash, what had arrived by then goes out once more. */
async function replayEvents(env: WorkEnv, { row }: OpenJob, id: string): Promise<Outcome> {
  const order: Replay = JSON.parse(row.work)
  const reached = await reachDevice(env, id, async (device, address) =>
    device.replay(address, order),
  )
  if (reached.kind !== 'reached') {
    return reached.error
  }
  const { answer } = reached
  return answer.kind === 'replayed'
    ? answer.events
    : 'nothing is known of an enrolment with this id'
}
