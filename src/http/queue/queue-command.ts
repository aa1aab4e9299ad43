import type { NewCommand } from '../../device/store/commands/new-command.ts'
import type { Env } from '../../env.ts'
import { RequestError } from '../request-error.ts'
import { atDevice } from '../at-device.ts'

/** Queues a command for the channel with this id. @throws RequestError if it cannot be queued */
export async function enqueueCommand(env: Env, id: string, command: NewCommand) {
  const queued = await atDevice(env, id, (device, address) => device.enqueue(address, command), {
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
