import { z } from '../zod.ts'
import { readAudit } from '../../../audit/read.ts'
import { clock } from '../../../clock.ts'
import { newRoutes } from '../new-routes.ts'
import { operation } from '../operation.ts'
import { listOf, pageQuery, readCursor, writeCursor } from '../paging.ts'
import { moment } from '../values.ts'
import { AUDIT_EXAMPLE, auditEntrySchema, auditScopes } from './schema.ts'

/** What admins did. */
export const auditRoutes = newRoutes()

const CURSOR = /^audit (\d{4}-\d\d) ([1-9]\d{0,15})$/

auditRoutes.openapi(
  operation('listAudit', 'get', '/audit', {
    tags: ['Audit'],
    summary: 'Lists what was changed and which secrets were shown, newest first',
    description:
      'Each row names the hash of the row before it, so all rows together show whether one was changed or ' +
      'is missing: `npm run audit -- verify`. A page may have fewer rows than `limit`, and a next page.',
    query: {
      ...pageQuery,
      since: moment.optional().openapi({ description: 'only rows from this time on' }),
      until: moment.optional().openapi({ description: 'only rows up to this time' }),
      actor: z.string().optional().openapi({
        description: 'only rows of this key, by its id or name, or of this person',
      }),
      action: z.string().optional().openapi({
        description: 'only this action, or all actions of a noun, such as `device`',
      }),
      target: z.string().optional().openapi({ description: 'only about the thing with this id' }),
      scope: z.enum(auditScopes).optional().openapi({
        description: 'only deeds that need this scope: `secrets` finds each secret that was shown',
      }),
    },
    answers: { 200: listOf('a page of the audit', auditEntrySchema, AUDIT_EXAMPLE) },
  }),
  async (c) => {
    const { cursor, ...query } = c.req.valid('query')
    const [month, seq] = readCursor(cursor, CURSOR) ?? []
    const after = month === undefined ? undefined : { month, seq: Number(seq) }
    const { rows, next } = await readAudit(
      c.env,
      { ...query, after },
      { days: c.var.config.auditDays, now: clock.now() },
    )
    const nextCursor = next ? writeCursor(`audit ${next.month} ${next.seq}`) : null
    return c.json({ items: [...rows], next: nextCursor, total: null }, 200)
  },
)
