import { z } from '../zod.ts'
import { inTime } from '../../../clock.ts'
import type { EscrowReader } from '../../../device/store/escrow/reads.ts'
import { enrolledAfter } from '../../../directory/devices/walk.ts'
import type { Env } from '../../../env.ts'
import { warn } from '../../../log.ts'
import { messagesOfRecord } from '../../../migration/check-ins.ts'
import { encodeBase64 } from '../../../plist/base64.ts'
import { reasonOf } from '../../../reason.ts'
import { reader, readerOf, WHY } from '../commands/secrets.ts'
import { idText } from '../device-id.ts'
import { newRoutes } from '../new-routes.ts'
import { answer, body, operation } from '../operation.ts'
import { readCursor, writeCursor } from '../paging.ts'

/** The way back: devices as check-in messages, which `/migration` of NanoMDM and of this server takes. */
export const exportRoutes = newRoutes()

const MOST_DEVICES = 20
const MOST_IDS = 1000
/** A page ends behind the device that goes beyond it. Tokens have some kilobytes as a rule. */
const PAGE_BYTES = 4_000_000
const PATIENCE = 10_000
const EXAMPLE_ID = 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01'

const wanted = z.strictObject({
  ...reader,
  ids: z.array(idText).min(1).max(MOST_IDS).optional().openapi({
    description: 'which devices; all that are enrolled if left out',
  }),
  cursor: z.string().optional().openapi({ description: '`next` of the page before' }),
})
const exported = z
  .object({
    id: z.string(),
    messages: z.array(z.base64()).openapi({
      description:
        'property lists, in the order in which another server has to get them: Authenticate, TokenUpdate ' +
        'and SetBootstrapToken of the device, a TokenUpdate of each user',
    }),
    unproven: z.boolean().openapi({
      description: 'nothing vouches for its certificate, so its tokens may be another device’s',
    }),
    blocked: z.boolean().openapi({ description: 'an admin has blocked it here' }),
  })
  .openapi('ExportedDevice')
const leftOut = z.object({
  id: z.string(),
  reason: z.enum(['contested', 'not_enrolled', 'no_push_token', 'unreachable']).openapi({
    description:
      '`contested`: decide first which enrolment is the device. `no_push_token`: it has sent none here. ' +
      '`unreachable`: its object did not answer, so send its id again',
  }),
})
const page = z.object({
  items: z.array(exported),
  left_out: z.array(leftOut).openapi({ description: 'devices without messages' }),
  next: z
    .string()
    .nullable()
    .openapi({ description: '`cursor` of the next page; null on the last one', example: null }),
})

exportRoutes.openapi(
  operation('exportDevices', 'post', '/moves/export', {
    tags: ['Moves'],
    summary:
      'Shows enrolled devices as messages for another server, and records who read them and why',
    description:
      'The messages hold push tokens, unlock tokens and bootstrap tokens. listEscrowReads of each device ' +
      `shows the record. A page has ${MOST_DEVICES} devices at most.`,
    body: body(wanted, { all: WHY, some: { ...WHY, ids: [EXAMPLE_ID] } }),
    answers: {
      200: answer('a page of devices', page, {
        items: [{ id: EXAMPLE_ID, messages: ['PHBsaXN0Lz4='], unproven: false, blocked: false }],
        left_out: [],
        next: null,
      }),
    },
  }),
  async (c) => {
    const { ids, cursor, ...why } = c.req.valid('json')
    const [place = ''] = readCursor(cursor, /^export (.+)$/s, 'json.cursor') ?? []
    const after = ids
      ? [...new Set(ids)].filter((id) => id > place).sort()
      : await enrolledAfter(c.env.DB, place, MOST_DEVICES + 1)
    const who = await readerOf(c, why)
    return c.json(await pageOf(c.env, after, who), 200)
  },
)

type Page = z.input<typeof page>

async function pageOf(env: Env, ids: readonly string[], who: EscrowReader): Promise<Page> {
  const found: Omit<Page, 'next'> = { items: [], left_out: [] }
  let bytes = 0
  let done = 0
  for (const id of ids.slice(0, MOST_DEVICES)) {
    const one = await deviceOf(env, id, who)
    if ('reason' in one) {
      found.left_out.push(one)
    } else {
      found.items.push(one)
      bytes += one.messages.reduce((sum, { length }) => sum + length, 0)
    }
    done += 1
    if (bytes > PAGE_BYTES) {
      break
    }
  }
  const last = ids[done - 1]
  return { ...found, next: done < ids.length && last ? writeCursor(`export ${last}`) : null }
}

async function deviceOf(
  env: Env,
  id: string,
  who: EscrowReader,
): Promise<z.input<typeof exported> | z.input<typeof leftOut>> {
  try {
    const answered = await inTime(PATIENCE, env.DEVICE.getByName(id).exportRecord(who))
    if (answered.kind !== 'exported') {
      return { id, reason: answered.kind === 'left_out' ? answered.why : 'not_enrolled' }
    }
    const { record, unproven } = answered
    const messages = messagesOfRecord(record).map(encodeBase64)
    return { id, messages, unproven, blocked: record.blocked === true }
  } catch (error) {
    warn('move:device', { device: id, reason: reasonOf(error) })
    return { id, reason: 'unreachable' }
  }
}
