import { randomBytes } from 'node:crypto'
import { z } from '../zod.ts'
import { DAY, readDuration } from '../../../config/values.ts'
import type { KeyRolled } from '../../../control/keys.ts'
import { CONTROL_NAME } from '../../../figures/report.ts'
import type { Caller } from '../../../keys/caller.ts'
import { isKeyId, withSecret } from '../../../keys/key.ts'
import { SCOPES } from '../../../keys/scopes.ts'
import { warn } from '../../../log.ts'
import { requireScope } from '../../access/require-scope.ts'
import { forgetKeys } from '../../access/view.ts'
import { RequestError } from '../../request-error.ts'
import { answer, body, operation } from '../operation.ts'
import { newRoutes } from '../new-routes.ts'
import { iso } from '../values.ts'
import {
  keyEnd,
  KEY_PARAMS,
  lifetime,
  NO_KEY,
  noKey,
  refuseScopes,
  scopeWord,
  SHOWN_KEY_EXAMPLE,
  shownKeyJson,
  shownKeySchema,
} from './schema.ts'

/** What each key may do with itself: docs/keys.md. */
export const ownKeyRoutes = newRoutes()

const tags = ['Keys']

const whoami = z
  .object({
    id: z.string(),
    name: z.string(),
    bootstrap: z.boolean().openapi({ description: 'whether it is `API_KEY`' }),
    scopes: z.array(scopeWord),
    expires_at: z.iso.datetime().nullable().openapi({ description: 'null if it never expires' }),
    who: z.string().nullable().openapi({ description: 'in a session of the console, the person' }),
  })
  .openapi('Whoami')

ownKeyRoutes.openapi(
  operation('whoami', 'get', '/whoami', {
    tags,
    summary: 'The key that this request came with, and what it may do',
    answers: {
      200: answer('the key', whoami, {
        id: '5e884898',
        name: 'bootstrap',
        bootstrap: true,
        scopes: [...SCOPES],
        expires_at: null,
        who: null,
      }),
    },
  }),
  (c) => c.json(whoamiJson(c.var.caller), 200),
)

function whoamiJson({ id, name, scopes, expiresAt, session }: Caller): z.infer<typeof whoami> {
  return {
    id,
    name,
    bootstrap: !isKeyId(id),
    scopes: [...scopes],
    expires_at: expiresAt === undefined ? null : iso(expiresAt),
    who: session?.who ?? null,
  }
}

const MAX_OVERLAP = 7 * DAY
const OVERLAP = 'has to be a time from 0s to 7d, such as 30m or 24h'

const rollSchema = z.strictObject({
  overlap: z
    .string()
    .regex(/^\d{1,6}[smhd]$/, OVERLAP)
    .default('1d')
    .transform(readDuration)
    .refine((ms) => ms <= MAX_OVERLAP, OVERLAP)
    .openapi({
      description: 'how long the present secret stays good, up to `7d`; `0s` when it leaked',
    }),
  expires_in: lifetime.optional().openapi({
    description:
      'a new lifetime, for callers with `admin`; the end stays if left out. No key gives itself a later one',
  }),
})

ownKeyRoutes.openapi(
  operation('rollKey', 'post', '/keys/{id}/roll', {
    tags,
    summary: 'Gives a key a new secret; the present one stays good for a while',
    description:
      'For `admin`, or the key itself by its present secret. The new key is shown only now. A secret from ' +
      'an earlier roll ends at once. Sessions end with the secret of their sign-in.',
    params: KEY_PARAMS,
    body: body(rollSchema, { day: {}, leaked: { overlap: '0s' }, year: { expires_in: '365d' } }),
    answers: { 200: answer('the key', shownKeySchema, SHOWN_KEY_EXAMPLE) },
    problems: {
      ...NO_KEY,
      403:
        'without `admin`, you sent another key, the earlier secret of this key, or a session; or your key ' +
        'lacks a scope of this key',
      409: 'the key has expired: send `expires_in`; it asks for a later end of its own; or it is a person’s',
    },
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const { overlap, expires_in: life } = c.req.valid('json')
    const { caller } = c.var
    // An earlier secret, or a cookie, may be a thief's: neither becomes the present secret.
    const isItself = caller.id === id && !caller.session && !caller.isOldSecret
    if (!isItself || life !== undefined) {
      requireScope(c, 'admin')
    }
    const made = withSecret(id, randomBytes)
    const rolled = await c.env.CONTROL.getByName(CONTROL_NAME).rollKey({
      id,
      by: caller.id,
      secretHash: made.secretHash,
      overlap,
      expiresAt: life === undefined ? undefined : keyEnd(life),
      scopes: isItself ? undefined : caller.scopes,
    })
    const key = rolledKey(rolled, id, caller)
    forgetKeys()
    warn('key:rolled', { key: id, by: caller.id })
    return c.json(shownKeyJson(key, caller, made.text), 200)
  },
)

/** @throws RequestError */
function rolledKey(rolled: KeyRolled, id: string, caller: Caller) {
  switch (rolled.kind) {
    case 'rolled':
      return rolled.key
    case 'unknown':
      return noKey(id)
    case 'person':
      throw new RequestError(
        'a person of Cloudflare Access has no secret: for other scopes or another end, revoke the key and ' +
          'add the person again',
        'conflict',
      )
    case 'lacks_scopes':
      return refuseScopes(caller, rolled.scopes)
    case 'own_end':
      throw new RequestError(
        'a key cannot give itself a later end: leave expires_in out, or send another key with admin',
        'conflict',
      )
    case 'expired':
      throw new RequestError(
        'the key has expired, and a new secret would be of no use: send expires_in, such as "365d"',
        'conflict',
      )
  }
}
