import { z } from '../zod.ts'
import type { EscrowReader } from '../../../device/store/escrow/reads.ts'
import { auditFirst, noteAudit } from '../../access/audited.ts'
import type { AppContext } from '../../app-env.ts'
import { RequestError } from '../../request-error.ts'
import { atDevice } from '../../at-device.ts'
import { addressOf } from '../../caller.ts'
import { answer, body, operation } from '../operation.ts'
import { newRoutes } from '../new-routes.ts'
import { COMMAND_PARAMS, refOf, unknownCommand } from './id.ts'
import { revealedJson } from './json.ts'
import { plistKeys } from './schema.ts'

/** The secrets of commands. Each call that reads them leaves a record: name, time and reason. */
export const secretRoutes = newRoutes()

const MAX_TEXT = 1000
const TOO_LONG = `has to be a text of at most ${MAX_TEXT} characters`
const REASON = 'a reason is needed to read a secret: it is recorded with the reader’s name'

/** In the body of each call that reads a secret. */
export const reader = {
  reason: z
    .string(REASON)
    .trim()
    .min(1, REASON)
    .max(MAX_TEXT, TOO_LONG)
    .openapi({ description: 'why it is read; it is recorded' }),
  who: z
    .string()
    .trim()
    .max(MAX_TEXT, TOO_LONG)
    .nullish()
    .openapi({ description: 'the name of the reader; `micromdm` if left out' }),
}
export const WHY = { reason: 'passcode forgotten, ticket 42', who: 'ada' }

/** The reader of a secret, once the audit has the reading. @throws RequestError if it cannot be written */
export async function readerOf(
  c: AppContext,
  { reason, who }: { readonly reason: string; readonly who?: string | null | undefined },
): Promise<EscrowReader> {
  // In a session the server knows the person.
  const name = c.var.caller.session?.who ?? who
  noteAudit(c, { reason, ...(name && { who: name }) })
  await auditFirst(c)
  return { who: name || 'micromdm', address: addressOf(c), reason }
}

const revealed = z.object({
  id: z.string(),
  request_type: z.string(),
  command: plistKeys.nullable().openapi({ description: 'Apple’s keys' }),
  result: plistKeys.nullable().openapi({ description: 'the device’s answer' }),
})

secretRoutes.openapi(
  operation('revealCommand', 'post', '/commands/{id}/secrets', {
    tags: ['Escrow'],
    summary:
      'Shows a command and the device’s answer with their secrets, and records who read them, when and why',
    description:
      'listEscrowReads shows the records. The payload of a command that sets or requests a secret that ' +
      'unlocks the device is kept for 30 days after its end (the newest 20 of a type); other payloads are ' +
      'kept until the device has answered.',
    params: COMMAND_PARAMS,
    body: body(z.strictObject(reader), { why: WHY }),
    answers: {
      200: answer('the command', revealed, {
        id: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01.17',
        request_type: 'DeviceLock',
        command: { RequestType: 'DeviceLock', PIN: '123456' },
        result: { Status: 'Acknowledged' },
      }),
    },
    problems: { 404: 'no such command, or neither it nor its answer is kept any longer' },
  }),
  async (c) => {
    const ref = refOf(c.req.valid('param').id)
    const why = await readerOf(c, c.req.valid('json'))
    const found = await atDevice(c.env, ref.enrollment, (device, address) =>
      device.revealCommand(address, ref, why),
    )
    if (found.kind === 'unknown') {
      throw unknownCommand(ref)
    }
    if (!found.payload && !found.result) {
      throw new RequestError(
        'neither the command nor its answer is kept any longer',
        'command_not_found',
      )
    }
    c.header('cache-control', 'no-store')
    const { id, requestType } = found.view
    return c.json({ id, request_type: requestType, ...revealedJson(found) }, 200)
  },
)
