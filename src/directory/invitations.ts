/**
 * Invitations: links that open the enrolment of a few devices. A use is an issued certificate, so neither a
 * second tap nor a program that follows links in mail consumes one.
 */
import { createHash, randomBytes } from 'node:crypto'
import { and, eq, gt, gte, lte, ne, or, type SQL, sql } from 'drizzle-orm'
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1'
import { type Counted, type PageOf, readPage } from './order.ts'
import { invitations } from './schema.ts'

export type Invitation = Readonly<typeof invitations.$inferSelect>

export type InvitationState = 'open' | 'used_up' | 'expired' | 'revoked'

const DAY = 86_400_000
/** How long an ended invitation is kept, so that it can give the reason. */
const KEPT_AFTER_ITS_END = 30 * DAY
export const MAX_INVITATIONS = 10_000
/** Hex, because mail programs end a link before a hyphen that is its last character. */
const SECRET_BYTES = 16
const SECRET = /^[0-9a-f]{32}$/

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
export function isOpenInvitation(id: string, now: number): SQL {
  const { revokedAt, used, maxUses, expiresAt } = invitations
  return sql`EXISTS (SELECT 1 FROM ${invitations} WHERE ${invitations.id} = ${id}
    AND ${revokedAt} = 0 AND ${used} < ${maxUses} AND ${expiresAt} > ${now})`
}

/** Counts a use of an invitation, as a part of a batch. */
export function countUseQuery(db: DrizzleD1Database, id: string, condition: SQL) {
  return db
    .update(invitations)
    .set({ used: sql`${invitations.used} + 1` })
    .where(and(eq(invitations.id, id), condition))
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
  const db = drizzle(d1)
  const secret = randomBytes(SECRET_BYTES).toString('hex')
  const { serial, note, expiresAt, maxUses } = facts
  const isFull = sql`(SELECT count(*) FROM ${invitations}) >= ${MAX_INVITATIONS}`
  const longAgo = now - KEPT_AFTER_ITS_END
  const [, , added] = await db.batch([
    db
      .delete(invitations)
      .where(
        or(
          lte(invitations.expiresAt, longAgo),
          and(gt(invitations.revokedAt, 0), lte(invitations.revokedAt, longAgo)),
        ),
      ),
    db
      .delete(invitations)
      .where(
        and(
          isFull,
          or(
            ne(invitations.revokedAt, 0),
            gte(invitations.used, invitations.maxUses),
            lte(invitations.expiresAt, now),
          ),
        ),
      ),
    db
      .insert(invitations)
      .select(
        sql`SELECT ${idOf(secret)}, ${serial}, ${note}, ${now}, ${expiresAt}, ${maxUses}, 0, 0
          WHERE NOT ${isFull}`,
      )
      .returning(),
  ])
  const [invitation] = added
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

export async function findInvitation(d1: D1Database, id: string): Promise<Invitation | undefined> {
  const [found] = await drizzle(d1).select().from(invitations).where(eq(invitations.id, id))
  return found
}

export async function listInvitations(
  d1: D1Database,
  page: PageOf<'created_at'>,
): Promise<Counted<Invitation>> {
  const db = drizzle(d1)
  const list = { table: invitations, by: invitations.createdAt, id: invitations.id }
  return readPage(db, db.select().from(invitations).$dynamic(), list, page)
}

/**
 * Ends an invitation. Certificates that were issued by it stay. @returns it with its new state, or nothing
 * where there is none
 */
export async function revokeInvitation(
  d1: D1Database,
  id: string,
  now: number,
): Promise<Invitation | undefined> {
  const [revoked] = await drizzle(d1)
    .update(invitations)
    .set({ revokedAt: sql`iif(${invitations.revokedAt} = 0, ${now}, ${invitations.revokedAt})` })
    .where(eq(invitations.id, id))
    .returning()
  return revoked
}

/** It is looked up by its hash, so that timing reveals nothing. */
function idOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex').slice(0, 32)
}
