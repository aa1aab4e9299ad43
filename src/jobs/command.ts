import { clock } from '../clock.ts'
import { reachDevice } from '../device/reach.ts'
import type { Needs } from '../device/store/commands/new-command.ts'
import type { QueuedBy } from '../device/store/commands/queued-by.ts'
import { splitEnrollmentId } from '../mdm/enrollment.ts'
import type { CommandState } from '../mdm/queue.ts'
import type { ListedKind, OpenJob, WorkEnv } from './work.ts'
import type { Outcome } from './rows.ts'

export const commandKind: ListedKind = { attempt: queueCommand, answer: answerOf }

/** The `work` of such a job. Its payload is stored beside it, sealed when it is secret. */
export interface CommandWork {
  readonly uuid: string
  /** Each device gets a CommandUUID of its own in place of the `uuid` in the payload. */
  readonly isOwn?: boolean
  readonly requestType: string
  /** Milliseconds; 0 stands for none. */
  readonly notBefore: number
  readonly expiresAt: number
  readonly by: QueuedBy
  readonly needs?: Needs
}

/** More than the clocks of two objects differ by. */
const CLOCKS = 60_000

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

/**
 * A profile may bring a device a new identity. The device proves it by acknowledging a CommandUUID that no
 * other device has.
 */
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
