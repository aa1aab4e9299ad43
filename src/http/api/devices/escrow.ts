import { z } from '../zod.ts'
import type { EscrowedToken } from '../../../device/store/escrow/tokens.ts'
import type { EscrowRead } from '../../../device/store/escrow/list.ts'
import { encodeBase64 } from '../../../plist/base64.ts'
import { RequestError } from '../../request-error.ts'
import { reader, readerOf, WHY } from '../commands/secrets.ts'
import { atDeviceItself, atEnrollment } from '../device-id.ts'
import { answer, body, DEVICE_PARAMS, NO_DEVICE, operation } from '../operation.ts'
import { listOf, wholeList } from '../paging.ts'
import { newRoutes } from '../new-routes.ts'
import { atOrNull, textOrNull, time } from '../values.ts'

/**
 * Tokens that devices escrow with this server, and passwords that it made for them. Each call that reads one
 * leaves a record.
 */
export const escrowRoutes = newRoutes()

const tags = ['Escrow']
const kind = z.enum(['unlock_token', 'bootstrap_token', 'admin_password', 'activation_lock_bypass'])
const token = z
  .object({
    id: z.string().openapi({ description: 'its number within the device' }),
    kind,
    stored_at: time.nullable(),
    archived_at: time.nullable().openapi({
      description: 'when its enrolment ended; null for a token of the present enrolment',
    }),
  })
  .openapi('EscrowToken')
const openToken = token.extend({ value: z.base64() }).openapi('OpenEscrowToken')
const read = z
  .object({
    at: time.nullable(),
    kind: z.enum([...kind.options, 'command', 'export']).openapi({
      description: '`export`: all tokens of the device, for another server',
    }),
    token_id: z.string().nullable(),
    command_id: z.string().nullable(),
    who: z.string(),
    address: z.string().nullable(),
    reason: z.string(),
  })
  .openapi('EscrowRead')
const TOKEN: z.input<typeof token> = {
  id: '1',
  kind: 'unlock_token',
  stored_at: '2026-11-24T09:00:00.000Z',
  archived_at: null,
}
const READ: z.input<typeof read> = {
  at: '2026-11-24T10:00:00.000Z',
  kind: 'unlock_token',
  token_id: '1',
  command_id: null,
  address: '192.0.2.1',
  ...WHY,
}

escrowRoutes.openapi(
  operation('listEscrow', 'get', '/devices/{id}/escrow', {
    tags,
    summary: 'Lists escrowed tokens without their values, archived ones included, oldest first',
    params: DEVICE_PARAMS,
    answers: { 200: listOf('the tokens', token, TOKEN) },
    problems: NO_DEVICE,
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const { tokens } = await atEnrollment(c.env, id, (device, address) =>
      device.listEscrow(address),
    )
    return c.json(wholeList(tokens.map(tokenJson)), 200)
  },
)

escrowRoutes.openapi(
  operation('listEscrowReads', 'get', '/devices/{id}/escrow/reads', {
    tags,
    summary:
      'Lists the newest 1000 records of reading a token or a command’s secrets, newest first',
    params: DEVICE_PARAMS,
    answers: { 200: listOf('the records', read, READ) },
    problems: NO_DEVICE,
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const { reads } = await atEnrollment(c.env, id, (device, address) => device.listEscrow(address))
    return c.json(wholeList(reads.map(readJson)), 200)
  },
)

const tokenParams = {
  ...DEVICE_PARAMS,
  kind: kind.openapi({
    param: { name: 'kind', in: 'path' },
    description:
      'which token; `admin_password`: the password that was made for the account of this device (UTF-8); ' +
      '`activation_lock_bypass`: the code that removes its Activation Lock (UTF-8)',
    example: 'unlock_token',
  }),
}
const wanted = z.strictObject({
  ...reader,
  token_id: z
    .string()
    .regex(/^[1-9]\d{0,9}$/, 'has to be the id of a token, as the list shows it')
    .nullish()
    .openapi({ description: 'which token; that of the present enrolment if left out' }),
})

escrowRoutes.openapi(
  operation('readEscrow', 'post', '/devices/{id}/escrow/{kind}', {
    tags,
    summary: 'Shows a token’s value, and records who read it, when and why',
    params: tokenParams,
    body: body(wanted, { why: WHY }),
    answers: { 200: answer('the token', openToken, { ...TOKEN, value: 'AAECAwQFBgc=' }) },
    problems: { 404: 'the device has escrowed no such token' },
  }),
  async (c) => {
    const params = c.req.valid('param')
    const { token_id: named, ...why } = c.req.valid('json')
    const number = named ? Number(named) : undefined
    const who = await readerOf(c, why)
    const found = await atDeviceItself(c.env, params.id, (device, address) =>
      device.readEscrow(params.kind, number, who, address),
    )
    if (!found.found) {
      throw new RequestError(`${params.id} has no such ${params.kind} in escrow`, 'token_not_found')
    }
    c.header('cache-control', 'no-store')
    return c.json({ ...tokenJson(found), value: encodeBase64(found.value) }, 200)
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
    token_id: 'token' in what ? String(what.token) : null,
    command_id: what.kind === 'command' ? what.command : null,
    who,
    address: textOrNull(address),
    reason,
  }
}
