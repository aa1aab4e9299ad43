import { Hono } from 'hono'
import type { EscrowKind, EscrowReader } from '../../device/escrow.ts'
import { encodeBase64 } from '../../plist/base64.ts'
import type { AppEnv } from '../app-env.ts'
import { AdminError } from '../at-device.ts'
import { jsonObjectOf } from './request.ts'

/** Tokens that devices escrow with us. A value is only read by a call that leaves an entry: who, when, why. */
export const escrow = new Hono<AppEnv>()

const KINDS: ReadonlyMap<string, EscrowKind> = new Map([
  ['unlock_token', 'unlock_token'],
  ['bootstrap_token', 'bootstrap_token'],
])
const MAX_TEXT = 1000

escrow.get('/devices/:id/escrow', async (c) => {
  const { tokens, reads } = await c.env.DEVICE.getByName(c.req.param('id')).listEscrow()
  return c.json({
    tokens: tokens.map(({ token, kind, storedAt, archivedAt }) => ({
      token,
      kind,
      stored_at: time(storedAt),
      archived_at: time(archivedAt),
    })),
    reads: reads.map(({ at, ...read }) => ({ at: time(at), ...read })),
  })
})

escrow.post('/devices/:id/escrow/:kind', async (c) => {
  const id = c.req.param('id')
  const kind = KINDS.get(c.req.param('kind'))
  if (!kind) {
    throw new AdminError(`no such kind of token: ask for ${[...KINDS.keys()].join(' or ')}`, 404)
  }
  const body = await jsonObjectOf(c)
  const reader: EscrowReader = {
    who: textOf(body, 'who') ?? 'micromdm',
    address: c.req.header('cf-connecting-ip') ?? '',
    reason: required(textOf(body, 'reason')),
  }
  const answer = await c.env.DEVICE.getByName(id).readEscrow(kind, numberOf(body), reader)
  if (!answer.found) {
    throw new AdminError(`${id} has no such ${kind} in escrow`, 404)
  }
  const { token, value, storedAt, archivedAt } = answer
  c.header('cache-control', 'no-store')
  return c.json({
    token,
    kind,
    value: encodeBase64(value),
    stored_at: time(storedAt),
    archived_at: time(archivedAt),
  })
})

type Body = Readonly<Record<string, unknown>>

function textOf(body: Body, name: string): string | undefined {
  const value = body[name] ?? undefined
  if (value === undefined || (typeof value === 'string' && value.trim() === '')) {
    return undefined
  }
  if (typeof value !== 'string' || value.length > MAX_TEXT) {
    throw new AdminError(`"${name}" has to be a text of at most ${MAX_TEXT} characters`, 400)
  }
  return value.trim()
}

function required(reason: string | undefined): string {
  if (reason === undefined) {
    throw new AdminError(
      'a "reason" is needed to read a token: it is written down with who asked',
      400,
    )
  }
  return reason
}

/** Which token, where it is not the one of the present enrolment. */
function numberOf(body: Body): number | undefined {
  const token = body['token'] ?? undefined
  if (token !== undefined && !Number.isSafeInteger(token)) {
    throw new AdminError('"token" has to be the number of a token, as the list shows it', 400)
  }
  return typeof token === 'number' ? token : undefined
}

function time(at: number): string | null {
  return at === 0 ? null : new Date(at).toISOString()
}
