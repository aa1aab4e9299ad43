import type { NewCommand } from '../../device/store/commands/new-command.ts'
import { auditDone, noteAudit } from '../access/audited.ts'
import { permitCommand } from '../access/require-scope.ts'
import type { AppContext } from '../app-env.ts'
import { RequestError } from '../request-error.ts'
import { atDevice } from '../at-device.ts'

/**
 * Queues a command of this request for the channel with this id, if its key may.
 * @throws RequestError if it cannot be queued
 */
export async function enqueueCommand(c: AppContext, id: string, command: NewCommand) {
  noteAudit(c, {}, { target: { type: 'device', id } })
  const queued = await enqueueOne(c, id, command)
  noteAudit(c, { command_id: queued.id })
  await auditDone(c)
  return queued
}

/** Queues several. The audit has one row, also if one of them cannot be queued. */
export async function enqueueSeveral(c: AppContext, id: string, commands: readonly NewCommand[]) {
  const ids: string[] = []
  const types = new Set<string>()
  noteAudit(c, {}, { target: { type: 'device', id } })
  try {
    for (const command of commands) {
      ids.push((await enqueueOne(c, id, command)).id)
      types.add(command.requestType)
    }
  } finally {
    if (ids.length > 0) {
      const facts = { request_type: [...types].join(', '), commands: ids.length }
      noteAudit(c, { ...facts, command_ids: ids })
      await auditDone(c)
    }
  }
}

async function enqueueOne(c: AppContext, id: string, command: NewCommand) {
  await permitCommand(c, command)
  const queued = await atDevice(c.env, id, (device, address) => device.enqueue(address, command), {
    queues: command.requestType,
  })
  switch (queued.kind) {
    case 'unusable':
      throw new RequestError(queued.error, 'cannot_succeed')
    case 'unsupported':
      throw new RequestError(
        queued.error,
        queued.isDeclared ? 'profile_declared' : 'unsupported_by_os',
      )
    case 'full':
      throw new RequestError(queued.error, 'queue_full')
    case 'key_reused':
      throw new RequestError(
        'another request had this Idempotency-Key, and its body differs: send a new key',
        'idempotency_key_reused',
      )
    case 'queued':
      return queued
  }
}
