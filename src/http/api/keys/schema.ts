import { z } from '../zod.ts'
import { clock } from '../../../clock.ts'
import { DAY, MINUTE, readDuration } from '../../../config/values.ts'
import type { KeyFacts } from '../../../control/key-rows.ts'
import { hasEnded } from '../../../control/keys.ts'
import type { Caller } from '../../../keys/caller.ts'
import { SCOPES, type Scope } from '../../../keys/scopes.ts'
import { RequestError } from '../../request-error.ts'
import { pathId } from '../operation.ts'
import { atOrNull, iso, textOrNull, time } from '../values.ts'

/** API keys in requests and answers (docs/keys.md). */

export const scopeWord = z.enum(SCOPES)

export const keySchema = z
  .object({
    id: z.string().openapi({ description: 'the part of the key between the first two `_`' }),
    name: z.string(),
    email: z.string().nullable().openapi({
      description:
        'of a person who signs in to the console with Cloudflare Access: then there is no secret',
    }),
    scopes: z.array(scopeWord),
    state: z.enum(['active', 'expired']),
    current: z.boolean().openapi({ description: 'whether the request came with this key' }),
    created_at: time,
    created_by: z.string().openapi({ description: 'the id of the key that made it' }),
    rolled_at: time.nullable(),
    old_secret_until: time
      .nullable()
      .openapi({ description: 'until when the secret before the last roll was, or is, good' }),
    expires_at: time.nullable().openapi({ description: 'null for a key that never expires' }),
    last_used: z
      .object({
        day: z.string(),
        network: z.string().nullable(),
        user_agent: z.string().nullable(),
      })
      .nullable()
      .openapi({ description: 'the first use on the last day (UTC) with one; null before any' }),
  })
  .openapi('Key')

export const KEY_EXAMPLE: z.input<typeof keySchema> = {
  id: '3fKq81ZtYw',
  name: 'ci',
  email: null,
  scopes: ['read', 'command'],
  state: 'active',
  current: false,
  created_at: '2026-11-28T09:00:00.000Z',
  created_by: '5e884898',
  rolled_at: null,
  old_secret_until: null,
  expires_at: '2027-11-28T09:00:00.000Z',
  last_used: { day: '2026-11-29', network: '203.0.113.0/24', user_agent: 'curl/8.11.0' },
}

/** A key with its text: the answer of the calls that make one. */
export const shownKeySchema = keySchema
  .extend({
    key: z.string().openapi({ description: 'the key itself: it is shown only now' }),
    warning: z.string().nullable().openapi({ description: 'such as that it never expires' }),
  })
  .openapi('ShownKey')

export const SHOWN_KEY_EXAMPLE: z.input<typeof shownKeySchema> = {
  ...KEY_EXAMPLE,
  last_used: null,
  key: 'emk_3fKq81ZtYw_0000000000000000000000000000000000000Q',
  warning: null,
}

export const KEY_PARAMS = pathId(
  z.string(),
  'the id, as the list shows it: never the key itself',
  KEY_EXAMPLE.id,
)
export const NO_KEY = { 404: 'no key has this id' } as const

const MAX_LIFETIME = 3650 * DAY
const LIFETIME = 'has to be never, or a time from 1m to 3650d, such as 12h or 90d'

/** A lifetime, as milliseconds; 0 for `never`. */
export const lifetime = z
  .string()
  .regex(/^(never|\d{1,7}[mhd])$/, LIFETIME)
  .transform((text, context) => {
    const ms = text === 'never' ? 0 : readDuration(text)
    if (text !== 'never' && (ms < MINUTE || ms > MAX_LIFETIME)) {
      context.addIssue(LIFETIME)
      return z.NEVER
    }
    return ms
  })

const NEVER_EXPIRES =
  'this key never expires: it opens the server until you revoke it, so note who is to do that and when'

/** The end of a key with this lifetime; 0 for none. */
export function keyEnd(ms: number): number {
  return ms === 0 ? 0 : clock.now() + ms
}

export function keyJson(key: KeyFacts, caller: Caller): z.infer<typeof keySchema> {
  const { day, network, agent } = key.use
  return {
    id: key.id,
    name: key.name,
    email: key.isPerson ? key.name : null,
    scopes: [...key.scopes],
    state: hasEnded(key.expiresAt, clock.now()) ? 'expired' : 'active',
    current: key.id === caller.id,
    created_at: iso(key.madeAt),
    created_by: key.madeBy,
    rolled_at: atOrNull(key.rolledAt),
    old_secret_until: atOrNull(key.oldUntil),
    expires_at: atOrNull(key.expiresAt),
    last_used:
      day === '' ? null : { day, network: textOrNull(network), user_agent: textOrNull(agent) },
  }
}

export function shownKeyJson(key: KeyFacts, caller: Caller, text: string) {
  const warning = key.expiresAt === 0 ? NEVER_EXPIRES : null
  return { ...keyJson(key, caller), key: text, warning }
}

export function noKey(id: string): never {
  throw new RequestError(
    id === 'bootstrap'
      ? 'the bootstrap key is the secret API_KEY: change it with `wrangler secret put API_KEY`'
      : 'no key has this id',
    'key_not_found',
  )
}

/** @throws RequestError if the key lacks one of the scopes */
export function refuseOtherScopes(caller: Caller, wanted: readonly Scope[]): void {
  const lacking = wanted.filter((scope) => !caller.scopes.includes(scope))
  if (lacking.length > 0) {
    refuseScopes(caller, lacking)
  }
}

/** @throws RequestError: a key gives no rights that its maker lacks */
export function refuseScopes({ name }: Caller, lacking: readonly string[]): never {
  throw new RequestError(
    `the key ${JSON.stringify(name)} lacks ${lacking.join(', ')}, and cannot give what it lacks: leave it ` +
      'out, or use a key that has it',
    'missing_scope',
  )
}
