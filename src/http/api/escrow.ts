import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { EscrowReader } from '../../device/escrow.ts'
import { encodeBase64 } from '../../plist/base64.ts'
import type { AppEnv } from '../app-env.ts'
import { AdminError, atDevice } from '../at-device.ts'
import { addressOf } from '../caller.ts'
import { revealedJson } from './command-json.ts'
import { plistKeys } from './command-schema.ts'
import { commandId, refOf, unknown } from './command-id.ts'
import { deviceItself, knownDevice } from './device-id.ts'
import { answer, atOrNull, body, deviceId, newRoutes, refusal } from './frame.ts'

/** Tokens that devices escrow with us, and the secrets of commands. They are read by calls that leave an entry: who, when, why. */
export const escrow = newRoutes()

const tags = ['Escrow']
const MAX_TEXT = 1000
const TOO_LONG = `has to be a text of at most ${MAX_TEXT} characters`
const REASON = 'a reason is needed to read a secret: it is written down with who asked'

const kind = z.enum(['unlock_token', 'bootstrap_token'])
const token = {
  token: z.int().openapi({ description: 'its number within the device' }),
  kind,
  stored_at: z.iso.datetime().nullable(),
  archived_at: z.iso
    .datetime()
    .nullable()
    .openapi({ description: 'when its enrolment ended; null for a token of the present one' }),
}
const reader = {
  reason: z.string(REASON).trim().min(1, REASON).max(MAX_TEXT, TOO_LONG),
  who: z.string().trim().max(MAX_TEXT, TOO_LONG).nullish(),
}
const WHY = { reason: 'passcode forgotten, ticket 42', who: 'ada' }
const stored = { stored_at: '2026-11-24T09:00:00.000Z', archived_at: null }

escrow.openapi(
  createRoute({
    method: 'get',
    path: '/devices/{id}/escrow',
    operationId: 'listEscrow',
    tags,
    summary: 'Escrowed tokens without their values, archived ones too, and who has read them',
    request: { params: z.object({ id: deviceId }) },
    responses: {
      200: answer(
        'tokens, and reads, newest first',
        z.object({
          tokens: z.array(z.object(token)),
          reads: z.array(
            z.object({
              at: z.iso.datetime().nullable(),
              kind: z.enum([...kind.options, 'command']),
              token: z.int().nullable(),
              command: z.string().nullable().openapi({ description: 'a command’s id' }),
              who: z.string(),
              address: z.string(),
              reason: z.string(),
            }),
          ),
        }),
        {
          tokens: [{ token: 1, kind: 'unlock_token', ...stored }],
          reads: [
            {
              at: '2026-11-24T10:00:00.000Z',
              kind: 'unlock_token',
              token: 1,
              command: null,
              address: '192.0.2.1',
              ...WHY,
            },
          ],
        },
      ),
      404: refusal('nothing is known of such a device'),
    },
  }),
  async (c) => {
    const { id } = await knownDevice(c.env, c.req.valid('param').id)
    const { tokens, reads } = await c.env.DEVICE.getByName(id).listEscrow()
    return c.json(
      {
        tokens: tokens.map(({ storedAt, archivedAt, ...listed }) => ({
          ...listed,
          stored_at: atOrNull(storedAt),
          archived_at: atOrNull(archivedAt),
        })),
        reads: reads.map(({ at, ...read }) => ({
          token: null,
          command: null,
          ...read,
          at: atOrNull(at),
        })),
      },
      200,
    )
  },
)

escrow.openapi(
  createRoute({
    method: 'post',
    path: '/devices/{id}/escrow/{kind}',
    operationId: 'readEscrow',
    tags,
    summary: 'Reads a token’s value, and leaves an entry: who, when, why',
    request: {
      params: z.object({
        id: deviceId,
        kind: kind.openapi({ param: { name: 'kind', in: 'path' }, example: 'unlock_token' }),
      }),
      body: body(
        z.strictObject({
          ...reader,
          token: z
            .int('has to be the number of a token, as the list shows it')
            .nullish()
            .openapi({ description: 'which, where it is not the one of the present enrolment' }),
        }),
        { why: WHY },
      ),
    },
    responses: {
      200: answer('the token', z.object({ ...token, value: z.base64() }), {
        token: 1,
        kind: 'unlock_token',
        value: 'AAECAwQFBgc=',
        ...stored,
      }),
      404: refusal('the device has escrowed no such token'),
    },
  }),
  async (c) => {
    const params = c.req.valid('param')
    const { token: number, ...why } = c.req.valid('json')
    const { id } = await deviceItself(c.env, params.id)
    const found = await c.env.DEVICE.getByName(id).readEscrow(
      params.kind,
      number ?? undefined,
      readerOf(c, why),
    )
    if (!found.found) {
      throw new AdminError(`${params.id} has no such ${params.kind} in escrow`, 'token_not_found')
    }
    c.header('cache-control', 'no-store')
    return c.json(
      {
        token: found.token,
        kind: found.kind,
        value: encodeBase64(found.value),
        stored_at: atOrNull(found.storedAt),
        archived_at: atOrNull(found.archivedAt),
      },
      200,
    )
  },
)

escrow.openapi(
  createRoute({
    method: 'post',
    path: '/commands/{id}/secrets',
    operationId: 'revealCommand',
    tags,
    summary: 'A command with its secrets, and the device’s answer; leaves an entry: who, when, why',
    description:
      'Entries are in the escrow list of the device. The payload of a command that sets or asks for what opens the device stays for 30 days after its end (the newest 20 of a type), others until the device has answered.',
    request: {
      params: z.object({ id: commandId }),
      body: body(z.strictObject(reader), { why: WHY }),
    },
    responses: {
      200: answer(
        'the command',
        z.object({
          id: z.string(),
          request_type: z.string(),
          command: plistKeys.nullable().openapi({ description: 'Apple’s keys' }),
          result: plistKeys.nullable().openapi({ description: 'the device’s answer' }),
        }),
        {
          id: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01.17',
          request_type: 'DeviceLock',
          command: { RequestType: 'DeviceLock', PIN: '123456' },
          result: { Status: 'Acknowledged' },
        },
      ),
      404: refusal('no such command, or neither it nor its answer is kept any longer'),
    },
  }),
  async (c) => {
    const ref = refOf(c.req.valid('param').id)
    const why = readerOf(c, c.req.valid('json'))
    const found = await atDevice(c.env, ref.enrollment, (device, address) =>
      device.revealCommand(address, ref, why),
    )
    if (found.kind === 'unknown') {
      throw unknown(ref)
    }
    if (!found.payload && !found.result) {
      throw new AdminError(
        'neither the command nor its answer is kept any longer',
        'command_not_found',
      )
    }
    c.header('cache-control', 'no-store')
    const { id, requestType } = found.view
    return c.json({ id, request_type: requestType, ...revealedJson(found) }, 200)
  },
)

function readerOf(
  c: Context<AppEnv>,
  { reason, who }: { readonly reason: string; readonly who?: string | null | undefined },
): EscrowReader {
  return { who: who || 'micromdm', address: addressOf(c), reason }
}
