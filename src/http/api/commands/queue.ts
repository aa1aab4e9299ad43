import { z } from '../zod.ts'
import { queuedBy, ACTOR } from '../../queue/queued-by.ts'
import { enqueueCommand } from '../../queue/queue-command.ts'
import { actor, answer, DEVICE_PARAMS, keyText, located, operation } from '../operation.ts'
import { newRoutes } from '../new-routes.ts'
import { flag } from '../values.ts'
import { findCommand, waitSeconds } from './commands.ts'
import { refOf } from './id.ts'
import { commandDetailJson } from './json.ts'
import { newCommandBody, readNewCommand } from './request.ts'
import { commandDetailSchema, DETAIL_EXAMPLE } from './schema.ts'

/** Queueing one command for one device or user channel. */
export const queueRoutes = newRoutes()

export const forceFlag = flag.default(false).openapi({
  description:
    '`true` also queues a command that Apple’s schema does not have, or that the device’s OS does not have',
})
export const requestKeyHeader = keyText.optional().openapi({
  description:
    'a repeated request to the same device with this key queues nothing, and answers with the state ' +
    'of the first command; the key is known as long as that command is kept',
})
const queuedSchema = commandDetailSchema
  .extend({
    known: z.boolean().openapi({
      description: '`false`: no enrolment has this id yet, and the command waits for one',
    }),
  })
  .openapi('QueuedCommand')
export const queuedCommand = (description: string) =>
  located(answer(description, queuedSchema, { ...DETAIL_EXAMPLE, known: true }))

queueRoutes.openapi(
  operation('queueCommand', 'post', '/devices/{id}/commands', {
    tags: ['Commands'],
    summary: 'Queues a command, and may wait for the device’s answer',
    params: DEVICE_PARAMS,
    query: { wait: waitSeconds, force: forceFlag },
    headers: { 'idempotency-key': requestKeyHeader, [ACTOR]: actor },
    body: newCommandBody,
    answers: {
      200: queuedCommand('the command ended while the call waited'),
      202: queuedCommand('the command is queued'),
    },
    problems: {
      400: 'a key that the command does not have, a missing key, or a value of a wrong type',
      409:
        'the device’s OS does not have the command, or a declaration manages its profile; `detail` says ' +
        'what to use instead',
      422: 'an earlier request with this Idempotency-Key had another body',
      429: 'as many commands wait for the device as MAX_QUEUE allows',
    },
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const { wait: seconds, force: forced } = c.req.valid('query')
    const requestKey = c.req.valid('header')['idempotency-key'] ?? ''
    const { repeatKey } = c.var.config
    const bytes = new Uint8Array(await c.req.arrayBuffer())
    const by = queuedBy(c, 'api')
    const command = readNewCommand(bytes, { id, force: forced }, { requestKey, repeatKey })
    const done = await enqueueCommand(c, id, { ...command, by })
    const found = await findCommand(c.env, refOf(done.id), seconds)
    c.header('location', `/api/commands/${encodeURIComponent(done.id)}`)
    const { known = true } = done
    return c.json({ ...commandDetailJson(found), known }, found.pending ? 202 : 200)
  },
)
