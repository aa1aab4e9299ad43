/**
 * Invitations: links that open the enrolment of a few devices. A use is an issued certificate, so neither a
 * second tap nor a program that follows links in mail consumes one.
 */
import { createHash, randomBytes } from 'node:crypto'
import { type Counted, type PageOf, readPage } from './order.ts'
import type { invitations } from './schema.ts'
import { readOne, returning, select, type Sql, sql, writeAll } from './sql.ts'

export type Invitation = Readonly<typeof invitations.$inferSelect>

export type InvitationState = 'open' | 'used_up' | 'expired' | 'revoked'

const DAY = 86_400_000
/** How long an ended invitation is kept, so that it can give the reason. */
const KEPT_AFTER_ITS_END = 30 * DAY
export const MAX_INVITATIONS = 10_000
/** Hex, because mail programs end a link before a hyphen that is its last character. */
const SECRET_BYTES = 16
const SECRET = /^[0-9a-f]{32}$/
const KEYS = [
  'id',
  'serial',
  'note',
  'createdAt',
  'expiresAt',
  'maxUses',
  'used',
  'revokedAt',
] as const

export function invitationState(invitation: Invitation, now: number): InvitationState {
  const { revokedAt, expiresAt, used, maxUses } = invitation
  if (revokedAt > 0) {
    return 'revoked'
  }
  if (used >= maxUses) {
    return 'used_up'
  }
  return expiresAt <= now ? 'expired' : 'open'
}

/** Whether an invitation's {@link invitationState} is `open` when a statement runs. */
export function isOpenInvitation(id: string, now: number): Sql {
  return sql`EXISTS (SELECT 1 FROM invitations WHERE id = ${id}
    AND revoked_at = 0 AND used < max_uses AND expires_at > ${now})`
}

/** Counts a use of an invitation, as a part of a batch. */
export function countUseQuery(id: string, condition: Sql): Sql {
  return sql`UPDATE invitations SET used = used + 1 WHERE id = ${id} AND ${condition}`
}

/**
 * @returns the invitation with its secret, which is shown only now; or nothing where {@link
 * MAX_INVITATIONS} are open. Ended ones make room.
 */
export async function addInvitation(
  d1: D1Database,
  facts: Pick<Invitation, 'serial' | 'note' | 'expiresAt' | 'maxUses'>,
  now: number,
): Promise<{ invitation: Invitation; secret: string } | undefined> {
  const secret = randomBytes(SECRET_BYTES).toString('hex')
  const { serial, note, expiresAt, maxUses } = facts
  const isFull = sql`(SELECT count(*) FROM invitations) >= ${MAX_INVITATIONS}`
  const longAgo = now - KEPT_AFTER_ITS_END
  const add = sql`INSERT INTO invitations (id, serial, note, created_at, expires_at, max_uses)
    SELECT ${idOf(secret)}, ${serial}, ${note}, ${now}, ${expiresAt}, ${maxUses} WHERE NOT ${isFull}`
  const [, , added] = await writeAll(d1, [
    sql`DELETE FROM invitations
      WHERE expires_at <= ${longAgo} OR revoked_at > 0 AND revoked_at <= ${longAgo}`,
    sql`DELETE FROM invitations
      WHERE ${isFull} AND (revoked_at <> 0 OR used >= max_uses OR expires_at <= ${now})`,
    returning(add, 'invitations', KEYS),
  ])
  const [invitation] = added.results
  return invitation && { invitation, secret }
}

/** The invitation of a link's secret, in any state. A text that cannot be a secret is not looked up. */
export async function invitationOf(
  d1: D1Database,
  secret: string,
): Promise<Invitation | undefined> {
  return SECRET.test(secret) ? findInvitation(d1, idOf(secret)) : undefined
}

/** The invitation with that id, or with that secret: the finder of a leaked link has only the secret. */
export async function invitationNamed(
  d1: D1Database,
  idOrSecret: string,
): Promise<Invitation | undefined> {
  return (await findInvitation(d1, idOrSecret)) ?? invitationOf(d1, idOrSecret)
}

export function findInvitation(d1: D1Database, id: string): Promise<Invitation | undefined> {
  return readOne(d1, select('invitations', KEYS, sql`WHERE id = ${id}`))
}

export function listInvitations(
  d1: D1Database,
  page: PageOf<'created_at'>,
): Promise<Counted<Invitation>> {
  return readPage(d1, { table: 'invitations', keys: KEYS, by: 'createdAt', id: 'id' }, page)
}

/**
 * Ends an invitation. Certificates that were issued by it stay. @returns it with its new state, or nothing
 * where there is none
 */
export function revokeInvitation(
  d1: D1Database,
  id: string,
  now: number,
): Promise<Invitation | undefined> {
  const revoke = sql`UPDATE invitations SET revoked_at = iif(revoked_at = 0, ${now}, revoked_at)
    WHERE id = ${id}`
  return readOne(d1, returning(revoke, 'invitations', KEYS))
}

/** It is looked up by its hash, so that timing reveals nothing. */
function idOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex').slice(0, 32)
}
