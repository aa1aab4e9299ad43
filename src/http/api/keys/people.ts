import { randomBytes } from 'node:crypto'
import { z } from '../zod.ts'
import { makeKey } from '../../../keys/key.ts'
import { personName } from '../../../keys/person.ts'
import { newRoutes } from '../new-routes.ts'
import { answer, body, located, operation } from '../operation.ts'
import { KEY_EXAMPLE, keyJson, keySchema } from './schema.ts'
import { SCOPES_AND_END, NOT_STORED_KEY, storeKey } from './store.ts'

/** People who sign in to the console with Cloudflare Access: docs/keys.md. */
export const peopleRoutes = newRoutes()

const EMAIL = 'ada@example.com'

const person = z.strictObject({
  email: z
    .string()
    .transform((text, context) => {
      const name = personName(text)
      if (name === undefined) {
        context.addIssue('has to be an e-mail address in ASCII')
        return z.NEVER
      }
      return name
    })
    .openapi({ description: 'as Access has it; small and capital letters are alike' }),
  ...SCOPES_AND_END,
})

peopleRoutes.openapi(
  operation('addPerson', 'post', '/keys/people', {
    tags: ['Keys'],
    summary: 'Gives scopes to a person who signs in with Cloudflare Access',
    description:
      'It makes a key without a secret, which only sessions of this person have. `DELETE /api/keys/{id}` ' +
      'takes it back, with the sessions. For other scopes or another end, do so and add the person again.',
    body: body(person, { ada: { email: EMAIL, scopes: ['read', 'command'], expires_in: '90d' } }),
    answers: {
      201: located(
        answer('the key', keySchema, {
          ...KEY_EXAMPLE,
          name: EMAIL,
          email: EMAIL,
          last_used: null,
        }),
      ),
    },
    problems: NOT_STORED_KEY,
  }),
  async (c) => {
    const { email, scopes, expires_in: life } = c.req.valid('json')
    const key = await storeKey(c, { id: makeKey(randomBytes).id, name: email, scopes, life })
    return c.json(keyJson(key, c.var.caller), 201)
  },
)
