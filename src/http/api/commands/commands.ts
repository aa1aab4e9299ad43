import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { CommandRef } from '../../../device/queue/lookup.ts'
import type { AppEnv } from '../../app-env.ts'
import { AdminError, atDevice } from '../../at-device.ts'
import { ACTOR, queuedBy } from '../../queued-by.ts'
import { commandDetailJson, commandJson, secretsOf, type FoundCommand } from './json.ts'
import { COMMAND_EXAMPLE, commandDetailSchema, commandSummary, DETAIL_EXAMPLE } from './schema.ts'
import { commandIdParam, noCommand, refOf, unknown } from './id.ts'
import { there } from '../device-id.ts'
import { newCommandBody, readNewCommand } from './request.ts'
import { commandStateWord } from '../words.ts'
import { listOf, numberCursor, numberedPage, pageQuery, several } from '../paging.ts'
import { digits, flag } from '../values.ts'
import { actor, answer, deviceId, keyText, located, refusal } from '../operation.ts'
import { newRoutes } from '../routes.ts'

/** Commands as resources: what waits, what became of it, and what the device answered. */
export const commandRoutes = newRoutes()

const tags = ['Commands']
const MAX_WAIT = 60
const SECONDS = `has to be a number of seconds, at most ${MAX_WAIT}`
const wait = digits(z.number(SECONDS).min(0, SECONDS).max(MAX_WAIT, SECONDS))
  .default(0)
  .openapi({ description: 'how many seconds the call waits for the device’s answer' })
const force = flag.default(false).openapi({
  description:
    '`true` also queues a command that Apple’s schema does not know, or that the device’s OS does not have',
})
const noEnrollment = refusal('nothing is known of such an enrolment')
const detail = (description: string) => answer(description, commandDetailSchema, DETAIL_EXAMPLE)
const queuedSchema = commandDetailSchema
  .extend({
    known: z.boolean().openapi({
      description: '`false`: no such enrolment has ever been here, and the command waits for one',
    }),
  })
  .openapi('QueuedCommand')
const queued = (description: string) =>
  located(answer(description, queuedSchema, { ...DETAIL_EXAMPLE, known: true }))

commandRoutes.openapi(
  createRoute({
    method: 'post',
    path: '/devices/{id}/commands',
    operationId: 'queueCommand',
    tags,
    summary: 'Queues a command, and may wait for the device’s answer',
    request: {
      params: z.object({ id: deviceId }),
      query: z.strictObject({ wait, force }),
      headers: z.object({
        'idempotency-key': keyText.optional().openapi({
          description:
            'a repeated request to the same device with this key queues nothing, and answers the same command as it then is; a key is known as long as its command is kept',
        }),
        [ACTOR]: actor,
      }),
      body: newCommandBody,
    },
    responses: {
      200: queued('the command ended while the call waited'),
      202: queued('the command is queued'),
      400: refusal(
        'a key that the command does not have, one that is missing, a value of another type',
      ),
      409: refusal('the device’s OS does not have it; the text says what takes its place'),
      422: refusal('another request had this Idempotency-Key'),
      429: refusal('as many commands wait for the device as MAX_QUEUE allows'),
    },
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const { wait: seconds, force: forced } = c.req.valid('query')
    const requestKey = c.req.valid('header')['idempotency-key'] ?? ''
    const { apiKey } = c.var.config
    const bytes = new Uint8Array(await c.req.arrayBuffer())
    const by = queuedBy(c, 'api')
    const meant = { id, force: forced }
    const command = { ...readNewCommand(bytes, meant, { requestKey, apiKey }), by }
    const done = await atDevice(c.env, id, (device, address) => device.enqueue(address, command), {
      queues: command.requestType,
    })
    switch (done.kind) {
      case 'unusable':
        throw new AdminError(done.error, 'cannot_succeed')
      case 'unsupported':
        throw new AdminError(done.error, 'unsupported_by_os')
      case 'full':
        throw new AdminError(done.error, 'queue_full')
      case 'key_reused':
        throw new AdminError(
          'another request had this Idempotency-Key, and its body differs: send a new key',
          'idempotency_key_reused',
        )
      case 'queued': {
        const found = await commandOf(c, refOf(done.id), seconds)
        c.header('location', `/api/commands/${encodeURIComponent(done.id)}`)
        const { known = true } = done
        return c.json({ ...commandDetailJson(found), known }, found.pending ? 202 : 200)
      }
    }
  },
)

commandRoutes.openapi(
  createRoute({
    method: 'get',
    path: '/devices/{id}/commands',
    operationId: 'listCommands',
    tags,
    summary: 'Lists the commands of a device: those that wait, and its history, newest first',
    request: {
      params: z.object({ id: deviceId }),
      query: z.strictObject({
        ...pageQuery,
        state: several(commandStateWord, 'state of the command'),
        request_type: z
          .string()
          .optional()
          .openapi({ description: 'only commands of this type, such as `ProfileList`' }),
      }),
    },
    responses: {
      200: listOf('a page of commands', commandSummary, COMMAND_EXAMPLE),
      404: noEnrollment,
    },
  }),
  async (c) => {
    const { cursor, limit, state = [], request_type: requestType } = c.req.valid('query')
    const filter = {
      before: numberCursor(cursor, 'command'),
      limit,
      states: state,
      requestType,
    }
    const { id } = c.req.valid('param')
    const page = there(
      id,
      await atDevice(c.env, id, (device, address) => device.listCommands(address, filter)),
    )
    return c.json(numberedPage('command', page.commands.map(commandJson), page.next), 200)
  },
)

commandRoutes.openapi(
  createRoute({
    method: 'delete',
    path: '/devices/{id}/commands',
    operationId: 'clearCommands',
    tags,
    summary: 'Cancels all commands that wait for a device',
    request: { params: z.object({ id: deviceId }) },
    responses: {
      200: answer('how many', z.object({ cancelled: z.int() }), { cancelled: 3 }),
      404: noEnrollment,
    },
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const { cancelled } = there(
      id,
      await atDevice(c.env, id, (device, address) => device.clearQueue(address)),
    )
    return c.json({ cancelled }, 200)
  },
)

commandRoutes.openapi(
  createRoute({
    method: 'get',
    path: '/commands/{id}',
    operationId: 'getCommand',
    tags,
    summary: 'A command, its timeline and the device’s answer; may wait for it',
    request: { params: z.object({ id: commandIdParam }), query: z.strictObject({ wait }) },
    responses: { 200: detail('the command'), 404: noCommand },
  }),
  async (c) => {
    const ref = refOf(c.req.valid('param').id)
    return c.json(commandDetailJson(await commandOf(c, ref, c.req.valid('query').wait)), 200)
  },
)

commandRoutes.openapi(
  createRoute({
    method: 'get',
    path: '/commands/{id}/result',
    operationId: 'getResult',
    tags,
    summary: 'The device’s answer, byte for byte',
    request: { params: z.object({ id: commandIdParam }) },
    responses: {
      200: {
        description: 'a property list',
        content: { 'application/xml': { schema: { type: 'string' } } },
      },
      403: refusal('the answer holds secrets: revealCommand shows them, and asks for a reason'),
      404: refusal('no such command, no answer yet, or results are not kept (KEEP_RESULTS)'),
    },
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const found = await commandOf(c, refOf(id))
    const { result } = found
    if (!result) {
      throw new AdminError(
        'the device has not answered, or its answer is kept no longer',
        'result_not_found',
      )
    }
    if (secretsOf(found).some((name) => name.startsWith('result'))) {
      throw new AdminError(
        `the answer holds secrets: POST /api/commands/${id}/secrets tells it for a reason`,
        'holds_secrets',
      )
    }
    return c.body(new Uint8Array(result), 200, { 'content-type': 'application/xml' })
  },
)

commandRoutes.openapi(
  createRoute({
    method: 'delete',
    path: '/commands/{id}',
    operationId: 'cancelCommand',
    tags,
    summary: 'Cancels a command; a device that has it already may carry it out all the same',
    request: { params: z.object({ id: commandIdParam }) },
    responses: {
      200: detail('the cancelled command'),
      404: noCommand,
      409: refusal('the command has ended already'),
    },
  }),
  async (c) => {
    const ref = refOf(c.req.valid('param').id)
    const done = await atDevice(c.env, ref.enrollment, (device, address) =>
      device.cancelCommand(address, ref),
    )
    if (done.kind === 'unknown') {
      throw unknown(ref)
    }
    if (done.kind === 'ended') {
      throw new AdminError(
        `the command has come to its end already: ${done.state}`,
        'already_ended',
      )
    }
    return c.json(commandDetailJson(await commandOf(c, ref)), 200)
  },
)

/** A command as it is, or as it is at its end if that comes in time. @throws AdminError 404 */
export async function commandOf(
  c: Context<AppEnv>,
  ref: CommandRef,
  seconds = 0,
): Promise<FoundCommand> {
  const found = await atDevice(c.env, ref.enrollment, (device, address) =>
    device.command(address, ref, seconds * 1000),
  )
  if (found.kind === 'unknown') {
    throw unknown(ref)
  }
  return found
}
