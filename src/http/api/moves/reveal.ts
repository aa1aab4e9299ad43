import { z } from '../zod.ts'
import { readItem, ITEM_KINDS } from '../../../directory/moves/items.ts'
import { warn } from '../../../log.ts'
import { encodeBase64 } from '../../../plist/base64.ts'
import { RequestError } from '../../request-error.ts'
import { reader, readerOf, WHY } from '../commands/secrets.ts'
import { newRoutes } from '../new-routes.ts'
import { answer, body, operation } from '../operation.ts'
import { knownMove, MOVE_PARAMS, NO_MOVE } from './schema.ts'

/** Items that stay as they came. */
export const moveRevealRoutes = newRoutes()

const place = {
  kind: z.enum(ITEM_KINDS).openapi({ description: 'the kind that listMoveItems shows' }),
  item: z.string().min(1).openapi({ description: 'its id' }),
}
const EXAMPLE = { kind: 'kept' as const, item: 'dep_device/C02XK1ZZJG5J' }

moveRevealRoutes.openapi(
  operation('revealMoveItem', 'post', '/moves/{id}/secrets', {
    tags: ['Moves'],
    summary: 'Shows an item that stays as it came, and logs who read it, when and why',
    description:
      'An item that was taken up has no content here any more. The line `move:item-read` of the log is the ' +
      'record.',
    params: MOVE_PARAMS,
    body: body(z.strictObject({ ...reader, ...place }), { why: { ...WHY, ...EXAMPLE } }),
    answers: {
      200: answer(
        'the item',
        z.object({ ...place, data: z.base64().openapi({ description: 'its content' }) }),
        { ...EXAMPLE, data: 'GgxDMDJYSzFaWkpHNUo=' },
      ),
    },
    problems: { ...NO_MOVE, 404: 'no such move or item, or its content is where it belongs' },
  }),
  async (c) => {
    const { kind, item, ...why } = c.req.valid('json')
    const read = await readerOf(c, why)
    const { id: move } = await knownMove(c.env.DB, c.req.valid('param').id)
    const { sealer } = c.var.config
    const found = await readItem(c.env.DB, sealer, move, { kind, id: item })
    if (!found) {
      throw new RequestError(
        `the move has no content of the ${kind} ${item}: listMoveItems shows its outcome`,
        'move_item_not_found',
      )
    }
    warn('move:item-read', { move, kind, item, ...read })
    c.header('cache-control', 'no-store')
    return c.json({ kind, item, data: encodeBase64(found.data) }, 200)
  },
)
