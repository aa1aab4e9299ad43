import { Hono } from 'hono'
import { buildCommand, GIVEN } from '../../commands/build.ts'
import { readRawCommand } from '../../commands/raw.ts'
import type { QueuePage } from '../../device/admin.ts'
import type { NewCommand } from '../../device/queue.ts'
import type { AppEnv } from '../app-env.ts'
import { AdminError, atDevice } from '../at-device.ts'
import { queuedBy } from '../queued-by.ts'
import { bytesOf, goJson, jsonOf, type AdminContext } from './request.ts'

/** `/v1/commands` (micromdm-contract §1.5, §4): 201 means that the command is stored, not only announced. */
export const commands = new Hono<AppEnv>()

commands.post('/v1/commands', async (c) => {
  const command = buildCommand(await jsonOf(c), () => crypto.randomUUID())
  if (!command.ok) {
    throw new AdminError(command.error)
  }
  const { commandUUID: uuid, requestType, payload, secret, source } = command
  await queue(c, command.udid, { uuid, requestType, payload, secret, source })
  return goJson({ payload: command.echo }, 201)
})

commands.on(['POST', 'PUT'], '/v1/commands/:id', async (c) => {
  const id = c.req.param('id')
  const payload = await bytesOf(c)
  const command = readRawCommand(payload)
  if (!command.ok) {
    throw new AdminError(command.error)
  }
  const { commandUUID: uuid, requestType, secret } = command
  await queue(c, id, { uuid, requestType, payload, secret, source: GIVEN })
  return goJson(
    {
      payload: { udid: id, command_uuid: uuid, command: { request_type: requestType }, payload },
    },
    201,
  )
})

commands.get('/v1/commands/:id', async (c) => {
  const found: { uuid: string; payload: Uint8Array }[] = []
  let after: number | undefined = 0
  while (after !== undefined) {
    const from: number = after
    const page: QueuePage = await atDevice(c.env, c.req.param('id'), (device, address) =>
      device.viewQueue(address, from),
    )
    found.push(...page.commands.map(({ uuid, payload }) => ({ uuid, payload })))
    after = page.next
  }
  return goJson(found.length === 0 ? {} : { commands: found })
})

commands.delete('/v1/commands/:id', async (c) => {
  await atDevice(c.env, c.req.param('id'), (device, address) => device.clearQueue(address))
  return goJson({})
})

async function queue(c: AdminContext, id: string, command: NewCommand): Promise<void> {
  const by = queuedBy(c, 'micromdm')
  const answer = await atDevice(
    c.env,
    id,
    (device, address) => device.enqueue(address, { ...command, by }),
    { queues: command.requestType },
  )
  if (answer.kind === 'unusable') {
    throw new AdminError(answer.error, 400)
  }
  if (answer.kind === 'full') {
    throw new AdminError(answer.error, 429)
  }
}
