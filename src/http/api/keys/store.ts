import { z } from '../zod.ts'
import { DAY } from '../../../config/values.ts'
import type { KeyFacts } from '../../../control/key-rows.ts'
import { MAX_KEYS, type KeyRequest } from '../../../control/keys.ts'
import { CONTROL_NAME } from '../../../figures/report.ts'
import { SCOPES } from '../../../keys/scopes.ts'
import { warn } from '../../../log.ts'
import { noteAudit } from '../../access/audited.ts'
import { forgetKeys } from '../../access/view.ts'
import type { AppContext } from '../../app-env.ts'
import { RequestError } from '../../request-error.ts'
import { keyEnd, lifetime, refuseOtherScopes, scopeWord } from './schema.ts'

/** What a caller gives to a new key, for a program or for a person. */
export const SCOPES_AND_END = {
  scopes: z
    .array(scopeWord)
    .min(1)
    .max(SCOPES.length)
    .openapi({ description: 'what it may do: only scopes that your own key has' }),
  expires_in: lifetime.default(365 * DAY).openapi({
    description: 'how long it is good: `12h`, `90d`, up to `3650d`, or `never`; 365d if left out',
  }),
}

export const NOT_STORED_KEY = {
  403: 'your own key lacks one of the scopes',
  409: `another key has this name, or there are ${MAX_KEYS} keys`,
} as const

/** Stores a key with scopes of the caller, and tells the audit and the log. @throws RequestError */
export async function storeKey(
  c: AppContext,
  {
    id,
    secretHash,
    name,
    scopes,
    life,
  }: Omit<KeyRequest, 'expiresAt' | 'by'> & { readonly life: number },
): Promise<KeyFacts> {
  const { caller } = c.var
  refuseOtherScopes(caller, scopes)
  const created = await c.env.CONTROL.getByName(CONTROL_NAME).createKey({
    id,
    ...(secretHash && { secretHash }),
    name,
    scopes: SCOPES.filter((scope) => scopes.includes(scope)),
    expiresAt: keyEnd(life),
    by: caller.id,
  })
  if (created.kind === 'full') {
    throw new RequestError(
      `there are ${MAX_KEYS} keys: revoke some, expired ones first`,
      'limit_reached',
    )
  }
  if (created.kind === 'name_taken') {
    throw new RequestError(
      `the key ${created.id} has this name: ` +
        (secretHash ? 'take another, or roll or revoke that key' : 'first revoke that key'),
      'conflict',
    )
  }
  forgetKeys()
  noteAudit(c, { name, scopes: [...created.key.scopes] })
  warn('key:created', { key: id, by: caller.id, scopes: created.key.scopes.join(' ') })
  c.header('location', `/api/keys/${id}`)
  return created.key
}
