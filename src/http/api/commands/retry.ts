import { queuedBy, ACTOR } from '../../queue/queued-by.ts'
import { commandNeeds } from '../../queue/command-needs.ts'
import { enqueueCommand } from '../../queue/queue-command.ts'
import { NO_TERMS } from '../../../device/store/commands/new-command.ts'
import { dictAt } from '../../../plist/dict.ts'
import { writePlist } from '../../../plist/write.ts'
import { RequestError } from '../../request-error.ts'
import { requestHash } from '../request-hash.ts'
import { actor, operation } from '../operation.ts'
import { newRoutes } from '../new-routes.ts'
import { findCommand } from './commands.ts'
import { COMMAND_PARAMS, NO_COMMAND, refOf } from './id.ts'
import { commandDetailJson, dictOf, enrollmentIdOf } from './json.ts'
import { forceFlag, queuedCommand, requestKeyHeader } from './queue.ts'

/** Queueing a command once more. */
export const retryRoutes = newRoutes()

retryRoutes.openapi(
  operation('retryCommand', 'post', '/commands/{id}/retry', {
    tags: ['Commands'],
    summary: 'Queues a command that has ended once more, as a new command behind those that wait',
    description:
      'For a command that the device refused, or that was cancelled by mistake. It has `repeatable`: the ' +
      'server keeps the payload of a command without secrets, up to 16 KB, as long as the command itself. ' +
      'The new command has its own id and UUID, and neither `not_before` nor `expires_at`. Its payload is ' +
      'the same: a signed link to a file under `/repo` may have ended, and then a new command is due.',
    params: COMMAND_PARAMS,
    query: { force: forceFlag },
    headers: { 'idempotency-key': requestKeyHeader, [ACTOR]: actor },
    answers: { 202: queuedCommand('the new command') },
    problems: {
      ...NO_COMMAND,
      409:
        'the command still waits, its payload is not kept, or the device’s OS does not have it; `detail` ' +
        'says what to do',
      422: 'an earlier request with this Idempotency-Key was another one',
      429: 'as many commands wait for the device as MAX_QUEUE allows',
    },
  }),
  async (c) => {
    const { view, payload, pending } = await findCommand(c.env, refOf(c.req.valid('param').id))
    if (pending) {
      throw new RequestError(
        `the command still waits (${view.state}): cancel it first, or let it wait`,
        'conflict',
      )
    }
    const plist = view.repeatable && payload ? dictOf(payload) : undefined
    const command = plist && dictAt(plist, 'Command')
    if (!command) {
      throw new RequestError(
        `the content of this ${view.requestType} is not kept: queue a new command`,
        'conflict',
      )
    }
    const { requestType } = view
    const requestKey = c.req.valid('header')['idempotency-key'] ?? ''
    const hash = requestKey && requestHash(c.var.config.repeatKey, `retry ${view.id}`)
    const uuid = crypto.randomUUID()
    const done = await enqueueCommand(c, enrollmentIdOf(view.id), {
      uuid,
      requestType,
      payload: writePlist({ Command: command, CommandUUID: uuid }),
      secret: false,
      source: '',
      terms: { ...NO_TERMS, requestKey, requestHash: hash },
      by: queuedBy(c, 'api'),
      needs: c.req.valid('query').force
        ? undefined
        : commandNeeds({ requestType, command }, 'refuse'),
    })
    c.header('location', `/api/commands/${encodeURIComponent(done.id)}`)
    const fresh = await findCommand(c.env, refOf(done.id))
    return c.json({ ...commandDetailJson(fresh), known: done.known ?? true }, 202)
  },
)
