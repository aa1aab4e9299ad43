import { z } from '../zod.ts'
import type { CommandRef } from '../../../device/queue/lookup.ts'
import type { Env } from '../../../env.ts'
import { RequestError } from '../../request-error.ts'
import { atDevice } from '../../at-device.ts'
import { atEnrollment } from '../device-id.ts'
import { answer, DEVICE_PARAMS, NO_DEVICE, operation } from '../operation.ts'
import { commaList, listOf, numberCursor, numberedPage, pageQuery, several } from '../paging.ts'
import { newRoutes } from '../new-routes.ts'
import { digits } from '../values.ts'
import { commandStateWord } from '../words.ts'
import { COMMAND_PARAMS, NO_COMMAND, refOf, unknownCommand } from './id.ts'
import { commandDetailJson, commandJson, secretsOf, type FoundCommand } from './json.ts'
import { COMMAND_EXAMPLE, commandDetailSchema, commandSummary, DETAIL_EXAMPLE } from './schema.ts'

/** Commands and the devices' answers: listed, shown and cancelled. */
export const commandRoutes = newRoutes()

const tags = ['Commands']
const MAX_WAIT = 60
const SECONDS = `has to be a number of seconds, at most ${MAX_WAIT}`
export const waitSeconds = digits(z.number(SECONDS).min(0, SECONDS).max(MAX_WAIT, SECONDS))
  .default(0)
  .openapi({ description: 'how many seconds the call waits for the device’s answer' })
const detail = (description: string) => answer(description, commandDetailSchema, DETAIL_EXAMPLE)

commandRoutes.openapi(
  operation('listCommands', 'get', '/devices/{id}/commands', {
    tags,
    summary: 'Lists the commands of a device: waiting ones and its history, newest first',
    params: DEVICE_PARAMS,
    query: {
      ...pageQuery,
      state: several(commandStateWord, 'state of the command'),
      request_type: commaList(z.string(), 'type, such as `ProfileList`; several between commas'),
    },
    answers: { 200: listOf('a page of commands', commandSummary, COMMAND_EXAMPLE) },
    problems: NO_DEVICE,
  }),
  async (c) => {
    const { cursor, limit, state: states = [], request_type: types } = c.req.valid('query')
    const before = numberCursor(cursor, 'command')
    const filter = { before, limit, states, requestType: types?.join(',') }
    const page = await atEnrollment(c.env, c.req.valid('param').id, (device, address) =>
      device.listCommands(address, filter),
    )
    return c.json(numberedPage('command', page.commands.map(commandJson), page.next), 200)
  },
)

commandRoutes.openapi(
  operation('clearCommands', 'delete', '/devices/{id}/commands', {
    tags,
    summary: 'Cancels all commands that wait for a device',
    params: DEVICE_PARAMS,
    answers: { 200: answer('how many', z.object({ cancelled: z.int() }), { cancelled: 3 }) },
    problems: NO_DEVICE,
  }),
  async (c) => {
    const { cancelled } = await atEnrollment(c.env, c.req.valid('param').id, (device, address) =>
      device.clearQueue(address),
    )
    return c.json({ cancelled }, 200)
  },
)

commandRoutes.openapi(
  operation('getCommand', 'get', '/commands/{id}', {
    tags,
    summary: 'A command, its timeline and the device’s answer; may wait for the answer',
    params: COMMAND_PARAMS,
    query: { wait: waitSeconds },
    answers: { 200: detail('the command') },
    problems: NO_COMMAND,
  }),
  async (c) => {
    const ref = refOf(c.req.valid('param').id)
    return c.json(commandDetailJson(await findCommand(c.env, ref, c.req.valid('query').wait)), 200)
  },
)

commandRoutes.openapi(
  operation('getResult', 'get', '/commands/{id}/result', {
    tags,
    summary: 'The device’s answer, byte for byte',
    params: COMMAND_PARAMS,
    answers: {
      200: {
        description: 'a property list',
        content: { 'application/xml': { schema: { type: 'string' } } },
      },
    },
    problems: {
      403: 'the answer holds secrets: revealCommand shows them, and needs a reason',
      404: 'no such command, no answer yet, or results are not kept (KEEP_RESULTS)',
    },
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const found = await findCommand(c.env, refOf(id))
    const { result } = found
    if (!result) {
      throw new RequestError(
        'the device has not answered, or its answer is no longer kept',
        'result_not_found',
      )
    }
    if (secretsOf(found).some((name) => name.startsWith('result'))) {
      throw new RequestError(
        `the answer holds secrets: POST /api/commands/${id}/secrets shows it, and needs a reason`,
        'holds_secrets',
      )
    }
    return c.body(new Uint8Array(result), 200, { 'content-type': 'application/xml' })
  },
)

commandRoutes.openapi(
  operation('cancelCommand', 'delete', '/commands/{id}', {
    tags,
    summary: 'Cancels a command; a device that has it already may still carry it out',
    params: COMMAND_PARAMS,
    answers: { 200: detail('the cancelled command') },
    problems: { ...NO_COMMAND, 409: 'the command has ended already' },
  }),
  async (c) => {
    const ref = refOf(c.req.valid('param').id)
    const done = await atDevice(c.env, ref.enrollment, (device, address) =>
      device.cancelCommand(address, ref),
    )
    if (done.kind === 'unknown') {
      throw unknownCommand(ref)
    }
    if (done.kind === 'ended') {
      throw new RequestError(`the command has ended already: ${done.state}`, 'already_ended')
    }
    return c.json(commandDetailJson(await findCommand(c.env, ref)), 200)
  },
)

/** A command now, or at its end if that comes within `seconds`. @throws RequestError 404 */
export async function findCommand(env: Env, ref: CommandRef, seconds = 0): Promise<FoundCommand> {
  const found = await atDevice(env, ref.enrollment, (device, address) =>
    device.command(address, ref, seconds * 1000),
  )
  if (found.kind === 'unknown') {
    throw unknownCommand(ref)
  }
  return found
}
