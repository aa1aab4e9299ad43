import { createRoute, z } from '@hono/zod-openapi'
import { encodeBase64 } from '../../plist/base64.ts'
import { AdminError } from '../at-device.ts'
import { knownDevice } from './device-id.ts'
import { answer, atOrNull, body, deviceId, newRoutes, refusal } from './frame.ts'

/** Tokens that devices escrow with us. A value is only read by a call that leaves an entry: who, when, why. */
export const escrow = newRoutes()

const tags = ['Escrow']
const MAX_TEXT = 1000
const TOO_LONG = `has to be a text of at most ${MAX_TEXT} characters`
const REASON = 'a reason is needed to read a token: it is written down with who asked'

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
              kind,
              token: z.int(),
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
              who: 'ada',
              address: '192.0.2.1',
              reason: 'passcode forgotten, ticket 42',
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
        reads: reads.map(({ at, ...read }) => ({ at: atOrNull(at), ...read })),
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
          reason: z.string(REASON).trim().min(1, REASON).max(MAX_TEXT, TOO_LONG),
          who: z.string().trim().max(MAX_TEXT, TOO_LONG).nullish(),
          token: z
            .int('has to be the number of a token, as the list shows it')
            .nullish()
            .openapi({ description: 'which, where it is not the one of the present enrolment' }),
        }),
        { why: { reason: 'passcode forgotten, ticket 42', who: 'ada' } },
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
    const { reason, who, token: number } = c.req.valid('json')
    const { id } = await knownDevice(c.env, params.id)
    const found = await c.env.DEVICE.getByName(id).readEscrow(params.kind, number ?? undefined, {
      who: who || 'micromdm',
      address: c.req.header('cf-connecting-ip') ?? '',
      reason,
    })
    if (!found.found) {
      throw new AdminError(`${params.id} has no such ${params.kind} in escrow`, 404)
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
