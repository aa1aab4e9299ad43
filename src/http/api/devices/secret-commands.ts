import { z } from '../zod.ts'
import { secretsOf } from '../commands/json.ts'
import { atEnrollment } from '../device-id.ts'
import { DEVICE_PARAMS, NO_DEVICE, operation } from '../operation.ts'
import { listOf, wholeList } from '../paging.ts'
import { newRoutes } from '../new-routes.ts'
import { atOrNull, iso, time } from '../values.ts'
import { commandStateWord } from '../words.ts'

/** Commands of a device whose secrets can be read. */
export const secretCommandRoutes = newRoutes()

const secretCommand = z
  .object({
    command_id: z.string(),
    request_type: z.string(),
    state: commandStateWord,
    queued_at: time,
    answered_at: time.nullable(),
    secrets: z
      .array(z.string())
      .openapi({ description: 'the keys that revealCommand shows, such as `command.PIN`' }),
  })
  .openapi('SecretCommand')

secretCommandRoutes.openapi(
  operation('listSecretCommands', 'get', '/devices/{id}/escrow/commands', {
    tags: ['Escrow'],
    summary: 'Lists the newest 50 commands whose secrets revealCommand can show, newest first',
    description:
      'Commands that set or request a secret that unlocks the device, such as DeviceLock with its PIN. The ' +
      'newest of each type that the device acknowledged is kept as long as the device.',
    params: DEVICE_PARAMS,
    answers: {
      200: listOf('the commands', secretCommand, {
        command_id: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01.17',
        request_type: 'DeviceLock',
        state: 'acknowledged',
        queued_at: '2026-11-24T09:00:00.000Z',
        answered_at: '2026-11-24T09:00:02.000Z',
        secrets: ['command.PIN'],
      }),
    },
    problems: NO_DEVICE,
  }),
  async (c) => {
    const { commands } = await atEnrollment(c.env, c.req.valid('param').id, (device, address) =>
      device.listSecrets(address),
    )
    const items = commands.map((found) => ({
      command_id: found.view.id,
      request_type: found.view.requestType,
      state: found.view.state,
      queued_at: iso(found.view.queuedAt),
      answered_at: atOrNull(found.view.answeredAt),
      secrets: secretsOf(found),
    }))
    return c.json(wholeList(items.filter(({ secrets }) => secrets.length > 0)), 200)
  },
)
