import { createRoute, z } from '@hono/zod-openapi'
import type { EscrowKind } from '../../device/escrow.ts'
import { encodeBase64 } from '../../plist/base64.ts'
import { AdminError } from '../at-device.ts'
import { answer, body, deviceId, newRoutes, refusal } from './frame.ts'

/** Tokens that devices escrow with us. A value is only read by a call that leaves an entry: who, when, why. */
export const escrow = newRoutes()

const tags = ['Escrow']
const KINDS: ReadonlyMap<string, EscrowKind> = new Map([
  ['unlock_token', 'unlock_token'],
  ['bootstrap_token', 'bootstrap_token'],
])
const MAX_TEXT = 1000
const TOO_LONG = `a text of at most ${MAX_TEXT} characters`
const NO_REASON = 'a "reason" is needed to read a token: it is written down with who asked'

const kindName = z.enum(['unlock_token', 'bootstrap_token'])
const moment = z.iso.datetime().nullable()
const escrowed = {
  token: z.int().openapi({ description: 'its number in this list' }),
  kind: kindName,
  stored_at: moment,
  archived_at: moment.openapi({ description: 'null while it is of the present enrolment' }),
}
const STORED = { stored_at: '2026-11-24T00:00:00.000Z', archived_at: null }

escrow.openapi(
  createRoute({
    method: 'get',
    path: '/devices/{id}/escrow',
    operationId: 'listEscrow',
    tags,
    summary: 'Lists escrowed tokens without their values, archived ones too, and who has read them',
    request: { params: z.object({ id: deviceId }) },
    responses: {
      200: answer(
        'tokens, and the newest 1000 entries',
        z.object({
          tokens: z.array(z.object(escrowed)),
          reads: z.array(
            z.object({
              at: moment,
              kind: kindName,
              token: z.int(),
              who: z.string(),
              address: z.string(),
              reason: z.string(),
            }),
          ),
        }),
        {
          tokens: [{ token: 1, kind: 'unlock_token', ...STORED }],
          reads: [
            {
              at: '2026-11-25T08:00:00.000Z',
              kind: 'unlock_token',
              token: 1,
              who: 'ada',
              address: '192.0.2.1',
              reason: 'passcode forgotten, ticket 42',
            },
          ],
        },
      ),
    },
  }),
  async (c) => {
    const { tokens, reads } = await c.env.DEVICE.getByName(c.req.valid('param').id).listEscrow()
    return c.json(
      {
        tokens: tokens.map(({ token, kind, storedAt, archivedAt }) => ({
          token,
          kind,
          stored_at: time(storedAt),
          archived_at: time(archivedAt),
        })),
        reads: reads.map(({ at, ...read }) => ({ at: time(at), ...read })),
      },
      200,
    )
  },
)

const question = z.object(
  {
    reason: z.string(NO_REASON).trim().min(1, NO_REASON).max(MAX_TEXT, TOO_LONG),
    who: z.string(TOO_LONG).trim().max(MAX_TEXT, TOO_LONG).nullish().openapi({
      description: 'the caller’s own word for who asks; micromdm without it',
    }),
    token: z
      .int('"token" has to be the number of a token, as the list shows it')
      .nullish()
      .openapi({ description: 'an archived one; without it that of the present enrolment' }),
  },
  'the body has to be a JSON object',
)

escrow.openapi(
  createRoute({
    method: 'post',
    path: '/devices/{id}/escrow/{kind}',
    operationId: 'readEscrow',
    tags,
    summary: 'Reads a token; leaves an entry that cannot be deleted',
    request: {
      params: z.object({
        id: deviceId,
        kind: z.string().openapi({
          param: { name: 'kind', in: 'path' },
          enum: kindName.options,
          example: 'unlock_token',
        }),
      }),
      body: body(question, {
        present: { reason: 'passcode forgotten, ticket 42', who: 'ada' },
        archived: { reason: 'police request 7', token: 1 },
      }),
    },
    responses: {
      200: answer('the token', z.object({ ...escrowed, value: z.base64() }), {
        token: 1,
        kind: 'unlock_token',
        value: 'AQIDBA==',
        ...STORED,
      }),
      404: refusal('no such kind, or the device has none'),
    },
  }),
  async (c) => {
    const { id, kind: named } = c.req.valid('param')
    const kind = KINDS.get(named)
    if (!kind) {
      throw new AdminError(`no such kind of token: ask for ${[...KINDS.keys()].join(' or ')}`, 404)
    }
    const { who, reason, token: number } = c.req.valid('json')
    const found = await c.env.DEVICE.getByName(id).readEscrow(kind, number ?? undefined, {
      who: who || 'micromdm',
      address: c.req.header('cf-connecting-ip') ?? '',
      reason,
    })
    if (!found.found) {
      throw new AdminError(`${id} has no such ${kind} in escrow`, 404)
    }
    const { token, value, storedAt, archivedAt } = found
    c.header('cache-control', 'no-store')
    return c.json(
      {
        token,
        kind,
        value: encodeBase64(value),
        stored_at: time(storedAt),
        archived_at: time(archivedAt),
      },
      200,
    )
  },
)

function time(at: number): string | null {
  return at === 0 ? null : new Date(at).toISOString()
}
