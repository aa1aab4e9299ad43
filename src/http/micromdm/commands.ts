import { shortened } from '../../apple/check.ts'
import { buildCommand, GIVEN } from '../../commands/build.ts'
import { readRawCommand } from '../../commands/raw.ts'
import type { QueuePage } from '../../device/queue/page.ts'
import { namedInLog } from '../../device/store/commands/log.ts'
import type { AppleCommand } from '../../commands/apple.ts'
import { splitEnrollmentId } from '../../mdm/enrollment.ts'
import { warn } from '../../log.ts'
import { newApp } from '../app-env.ts'
import { RequestError } from '../request-error.ts'
import { atDevice } from '../at-device.ts'
import { commandNeeds } from '../queue/command-needs.ts'
import { enqueueCommand } from '../queue/queue-command.ts'
import { queuedBy } from '../queue/queued-by.ts'
import { readBodyBytes, goJson, readJson, type AdminContext } from './request.ts'

type LenientCommand = Omit<AppleCommand, 'ok' | 'destructive'>

/** `/v1/commands` (docs/commands.md). 201 means that the command is stored, and not only announced. */
export const v1Commands = newApp()

v1Commands.post('/v1/commands', async (c) => {
  const command = buildCommand(await readJson(c), () => crypto.randomUUID())
  if (!command.ok) {
    throw new RequestError(command.error)
  }
  await queue(c, command.udid, command)
  return goJson({ payload: command.echo }, 201)
})

v1Commands.on(['POST', 'PUT'], '/v1/commands/:id', async (c) => {
  const id = c.req.param('id')
  const payload = await readBodyBytes(c)
  const command = readRawCommand(payload)
  if (!command.ok) {
    throw new RequestError(command.error)
  }
  const { commandUUID: uuid, requestType } = command
  await queue(c, id, { ...command, payload, source: GIVEN })
  return goJson(
    {
      payload: { udid: id, command_uuid: uuid, command: { request_type: requestType }, payload },
    },
    201,
  )
})

v1Commands.get('/v1/commands/:id', async (c) => {
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

v1Commands.delete('/v1/commands/:id', async (c) => {
  await atDevice(c.env, c.req.param('id'), (device, address) => device.clearQueue(address))
  return goJson({})
})

/** Queues invalid commands too, as MicroMDM does; the log names their faults. */
async function queue(c: AdminContext, id: string, command: LenientCommand): Promise<void> {
  const { commandUUID: uuid, requestType, payload, secret, source, faults } = command
  const by = queuedBy(c, 'micromdm')
  const needs = commandNeeds(command, 'announce')
  const queued = await enqueueCommand(c, id, {
    uuid,
    requestType,
    payload,
    secret,
    source,
    by,
    needs,
  })
  if (faults.length > 0) {
    const { device, user } = splitEnrollmentId(queued.id.slice(0, queued.id.lastIndexOf('.')))
    warn('command:unchecked', {
      ...namedInLog(device, user !== '', Number(queued.id.slice(queued.id.lastIndexOf('.') + 1))),
      request_type: shortened(requestType),
      reason: faults.map(({ at, detail }) => `${at}: ${detail}`).join('; '),
    })
  }
}
