import { randomBytes } from 'node:crypto'
import { z } from '../zod.ts'
import { clock } from '../../../clock.ts'
import { CONTROL_NAME } from '../../../figures/report.ts'
import { makeKey } from '../../../keys/key.ts'
import { warn } from '../../../log.ts'
import { forgetKeys, KEYS_FRESH } from '../../access/view.ts'
import { RequestError } from '../../request-error.ts'
import { answer, body, located, operation } from '../operation.ts'
import { newRoutes } from '../new-routes.ts'
import { listOf, wholeList } from '../paging.ts'
import { iso, time } from '../values.ts'
import {
  KEY_EXAMPLE,
  KEY_PARAMS,
  keyJson,
  keySchema,
  NO_KEY,
  noKey,
  SHOWN_KEY_EXAMPLE,
  shownKeyJson,
  shownKeySchema,
} from './schema.ts'
import { SCOPES_AND_END, NOT_STORED_KEY, storeKey } from './store.ts'

/** API keys with some of the rights: docs/keys.md. */
export const keyRoutes = newRoutes()

const tags = ['Keys']

keyRoutes.openapi(
  operation('listKeys', 'get', '/keys', {
    tags,
    summary: 'Lists the API keys, the oldest first, without their secrets',
    description: 'The bootstrap key `API_KEY` is a secret of the Worker and not in the list.',
    answers: { 200: listOf('all keys', keySchema, KEY_EXAMPLE) },
  }),
  async (c) => {
    const keys = await c.env.CONTROL.getByName(CONTROL_NAME).listKeys()
    return c.json(wholeList(keys.map((key) => keyJson(key, c.var.caller))), 200)
  },
)

keyRoutes.openapi(
  operation('getKey', 'get', '/keys/{id}', {
    tags,
    summary: 'One API key, without its secret',
    params: KEY_PARAMS,
    answers: { 200: answer('the key', keySchema, KEY_EXAMPLE) },
    problems: NO_KEY,
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const keys = await c.env.CONTROL.getByName(CONTROL_NAME).listKeys()
    return c.json(keyJson(keys.find((key) => key.id === id) ?? noKey(id), c.var.caller), 200)
  },
)

const wanted = z.strictObject({
  name: z
    .string()
    .trim()
    .normalize()
    .min(1)
    .max(100)
    .regex(/^\P{C}*$/u, 'has to be printable')
    .refine((name) => !/^bootstrap\b/i.test(name), 'is for API_KEY: take another name')
    .openapi({ description: 'what it is for; no other key has this name' }),
  ...SCOPES_AND_END,
})

keyRoutes.openapi(
  operation('createKey', 'post', '/keys', {
    tags,
    summary: 'Makes an API key with some scopes; it is shown only now',
    description:
      'It is good at once. There is no Idempotency-Key: a repeated request is refused because of the name. ' +
      'If the answer was lost, `roll` the key that has the name.',
    body: body(wanted, {
      ci: { name: 'ci', scopes: ['read', 'command'] },
      dashboard: { name: 'dashboard', scopes: ['read', 'metrics'], expires_in: '90d' },
    }),
    answers: { 201: located(answer('the key', shownKeySchema, SHOWN_KEY_EXAMPLE)) },
    problems: NOT_STORED_KEY,
  }),
  async (c) => {
    const { name, scopes, expires_in: life } = c.req.valid('json')
    const made = makeKey(randomBytes)
    const key = await storeKey(c, { ...made, name, scopes, life })
    return c.json(shownKeyJson(key, c.var.caller, made.text), 201)
  },
)

const revokedKey = z
  .object({
    id: z.string(),
    name: z.string(),
    ends_everywhere_at: time.openapi({
      description: 'until then a part of the server may still accept the key, and its sessions',
    }),
  })
  .openapi('RevokedKey')

keyRoutes.openapi(
  operation('revokeKey', 'delete', '/keys/{id}', {
    tags,
    summary: 'Revokes an API key and its sessions, everywhere within 30 seconds',
    params: KEY_PARAMS,
    answers: {
      200: answer('when it has ended', revokedKey, {
        id: KEY_EXAMPLE.id,
        name: 'ci',
        ends_everywhere_at: '2026-11-28T09:00:30.000Z',
      }),
    },
    problems: {
      ...NO_KEY,
      409: 'it is the last key with `admin`, and the bootstrap key is not accepted',
    },
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const removed = await c.env.CONTROL.getByName(CONTROL_NAME).removeKey({
      id,
      // Without it, only these keys could make the next one.
      keepAdmin: c.var.config.bootstrapKeys.length === 0,
    })
    if (removed.kind === 'last_admin') {
      throw new RequestError(
        'it is the last key with admin, and ADMIN_KEYS_ONLY is set: make another first, or you lock ' +
          'yourself out',
        'last_admin_key',
      )
    }
    const { name } = removed.kind === 'removed' ? removed.key : noKey(id)
    forgetKeys()
    warn('key:revoked', { key: id, by: c.var.caller.id })
    return c.json({ id, name, ends_everywhere_at: iso(clock.now() + KEYS_FRESH) }, 200)
  },
)
