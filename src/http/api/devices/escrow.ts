import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { EscrowedToken, EscrowRead, EscrowReader } from '../../../device/standing/escrow.ts'
import { encodeBase64 } from '../../../plist/base64.ts'
import type { AppEnv } from '../../app-env.ts'
import { AdminError, atDevice } from '../../at-device.ts'
import { addressOf } from '../../caller.ts'
import { revealedJson } from '../commands/json.ts'
import { plistKeys } from '../commands/schema.ts'
import { commandIdParam, refOf, unknown } from '../commands/id.ts'
import { deviceItself, knownDevice } from '../device-id.ts'
import { listOf, wholeList } from '../paging.ts'
import { answer, body, deviceId, refusal } from '../operation.ts'
import { atOrNull, textOrNull, time } from '../values.ts'
import { newRoutes } from '../routes.ts'

/** Tokens that devices escrow with us, and the secrets of commands. They are read by calls that leave an entry: who, when, why. */
export const escrowRoutes = newRoutes()

const tags = ['Escrow']
const MAX_TEXT = 1000
const TOO_LONG = `has to be a text of at most ${MAX_TEXT} characters`
const REASON = 'a reason is needed to read a secret: it is written down with who asked'

const kind = z.enum(['unlock_token', 'bootstrap_token'])
const token = z
  .object({
    id: z.string().openapi({ description: 'its number within the device' }),
    kind,
    stored_at: time.nullable(),
    archived_at: time
      .nullable()
      .openapi({ description: 'when its enrolment ended; null for a token of the present one' }),
  })
  .openapi('EscrowToken')
const openToken = token.extend({ value: z.base64() }).openapi('OpenEscrowToken')
const read = z
  .object({
    at: time.nullable(),
    kind: z.enum([...kind.options, 'command']),
    token_id: z.string().nullable(),
    command_id: z.string().nullable(),
    who: z.string(),
    address: z.string().nullable(),
    reason: z.string(),
  })
  .openapi('EscrowRead')
const reader = {
  reason: z
    .string(REASON)
    .trim()
    .min(1, REASON)
    .max(MAX_TEXT, TOO_LONG)
    .openapi({ description: 'why it is read; it is written down' }),
  who: z
    .string()
    .trim()
    .max(MAX_TEXT, TOO_LONG)
    .nullish()
    .openapi({ description: 'who reads it; `micromdm` if left out' }),
}
const WHY = { reason: 'passcode forgotten, ticket 42', who: 'ada' }
const TOKEN: z.input<typeof token> = {
  id: '1',
  kind: 'unlock_token',
  stored_at: '2026-11-24T09:00:00.000Z',
  archived_at: null,
}
const noDevice = refusal('nothing is known of such a device')

escrowRoutes.openapi(
  createRoute({
    method: 'get',
    path: '/devices/{id}/escrow',
    operationId: 'listEscrow',
    tags,
    summary: 'Lists escrowed tokens without their values, archived ones too, oldest first',
    request: { params: z.object({ id: deviceId }) },
    responses: { 200: listOf('the tokens', token, TOKEN), 404: noDevice },
  }),
  async (c) => {
    const { id } = await knownDevice(c.env, c.req.valid('param').id)
    const { tokens } = await c.env.DEVICE.getByName(id).listEscrow()
    return c.json(wholeList(tokens.map(tokenJson)), 200)
  },
)

escrowRoutes.openapi(
  createRoute({
    method: 'get',
    path: '/devices/{id}/escrow/reads',
    operationId: 'listEscrowReads',
    tags,
    summary: 'Lists the newest 1000 readings of tokens and of commands’ secrets, newest first',
    request: { params: z.object({ id: deviceId }) },
    responses: {
      200: listOf('the readings', read, {
        at: '2026-11-24T10:00:00.000Z',
        kind: 'unlock_token',
        token_id: '1',
        command_id: null,
        address: '192.0.2.1',
        ...WHY,
      }),
      404: noDevice,
    },
  }),
  async (c) => {
    const { id } = await knownDevice(c.env, c.req.valid('param').id)
    const { reads } = await c.env.DEVICE.getByName(id).listEscrow()
    return c.json(wholeList(reads.map(readJson)), 200)
  },
)

escrowRoutes.openapi(
  createRoute({
    method: 'post',
    path: '/devices/{id}/escrow/{kind}',
    operationId: 'readEscrow',
    tags,
    summary: 'Shows a token’s value, and writes down who asked, when and why',
    request: {
      params: z.object({
        id: deviceId,
        kind: kind.openapi({
          param: { name: 'kind', in: 'path' },
          description: 'which of the two tokens',
          example: 'unlock_token',
        }),
      }),
      body: body(
        z.strictObject({
          ...reader,
          token_id: z
            .string()
            .regex(/^[1-9]\d{0,9}$/, 'has to be the id of a token, as the list shows it')
            .nullish()
            .openapi({ description: 'which, where it is not the one of the present enrolment' }),
        }),
        { why: WHY },
      ),
    },
    responses: {
      200: answer('the token', openToken, { ...TOKEN, value: 'AAECAwQFBgc=' }),
      404: refusal('the device has escrowed no such token'),
    },
  }),
  async (c) => {
    const params = c.req.valid('param')
    const { token_id: named, ...why } = c.req.valid('json')
    const { id } = await deviceItself(c.env, params.id)
    const found = await c.env.DEVICE.getByName(id).readEscrow(
      params.kind,
      named ? Number(named) : undefined,
      readerOf(c, why),
    )
    if (!found.found) {
      throw new AdminError(`${params.id} has no such ${params.kind} in escrow`, 'token_not_found')
    }
    c.header('cache-control', 'no-store')
    return c.json({ ...tokenJson(found), value: encodeBase64(found.value) }, 200)
  },
)

escrowRoutes.openapi(
  createRoute({
    method: 'post',
    path: '/commands/{id}/secrets',
    operationId: 'revealCommand',
    tags,
    summary:
      'Shows a command with its secrets and the device’s answer, and writes down who asked, when and why',
    description:
      'listEscrowReads shows what was written down. The payload of a command that sets or asks for what opens the device stays for 30 days after its end (the newest 20 of a type), others until the device has answered.',
    request: {
      params: z.object({ id: commandIdParam }),
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

function tokenJson(stored: EscrowedToken): z.input<typeof token> {
  return {
    id: String(stored.token),
    kind: stored.kind,
    stored_at: atOrNull(stored.storedAt),
    archived_at: atOrNull(stored.archivedAt),
  }
}

function readJson({ at, who, address, reason, ...what }: EscrowRead): z.input<typeof read> {
  return {
    at: atOrNull(at),
    kind: what.kind,
    token_id: what.kind === 'command' ? null : String(what.token),
    command_id: what.kind === 'command' ? what.command : null,
    who,
    address: textOrNull(address),
    reason,
  }
}

function readerOf(
  c: Context<AppEnv>,
  { reason, who }: { readonly reason: string; readonly who?: string | null | undefined },
): EscrowReader {
  return { who: who || 'micromdm', address: addressOf(c), reason }
}
