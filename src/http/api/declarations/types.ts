import { DECLARATION_TYPES, declarationSchema } from '../../../apple/declarations.ts'
import { availability } from '../../../apple/schema.ts'
import { PLATFORMS } from '../../../apple/platform.ts'
import { newRoutes } from '../new-routes.ts'
import { operation } from '../operation.ts'
import { listOf, wholeList } from '../paging.ts'
import { z } from '../zod.ts'
import { DECLARATION_EXAMPLE } from './schema.ts'

/** Apple's declaration types, for programs that build forms. */
export const declarationTypeRoutes = newRoutes()

const typeSchema = z
  .object({
    type: z.string(),
    since: z
      .record(z.string(), z.string())
      .openapi({ description: 'the platforms that have it, each with its first version' }),
    single: z.boolean().openapi({ description: 'a device applies only one of this type' }),
    keys: z
      .array(z.object({ key: z.string(), type: z.string(), required: z.boolean() }))
      .nullable()
      .openapi({ description: 'the keys of its payload; null: all keys are your own' }),
  })
  .openapi('DeclarationType')

declarationTypeRoutes.openapi(
  operation('listDeclarationTypes', 'get', '/declaration-types', {
    tags: ['Declarations'],
    summary: 'Lists the declaration types that Apple documents, with the keys of their payloads',
    answers: {
      200: listOf('all types', typeSchema, {
        type: DECLARATION_EXAMPLE.type,
        since: { macOS: '13.0', iOS: '15.0' },
        single: false,
        keys: [{ key: 'MinimumLength', type: 'integer', required: false }],
      }),
    },
  }),
  (c) => c.json(wholeList(DECLARATION_TYPES.map(typeJson)), 200),
)

function typeJson(type: string): z.input<typeof typeSchema> {
  const { on = '', single = false, keys } = declarationSchema(type) ?? {}
  const since = PLATFORMS.flatMap((platform) => {
    const there = availability(on, platform)
    return there ? [[platform, there.since]] : []
  })
  return {
    type,
    since: Object.fromEntries(since),
    single,
    keys: keys
      ? Object.entries(keys).map(([key, one]) => ({
          key,
          type: one.type,
          required: one.required ?? false,
        }))
      : null,
  }
}
