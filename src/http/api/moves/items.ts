import { z } from '../zod.ts'
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import {
  ITEM_KINDS,
  listItems,
  putItems,
  type ItemKind,
  type NewItem,
} from '../../../directory/moves/items.ts'
import { MAX_PROFILE_BYTES } from '../../../enroll/stored-profile.ts'
import { MOST } from '../../../migration/records.ts'
import { checkAuthority } from '../../../pki/x509/authority.ts'
import { pem } from '../../../pki/x509/issue.ts'
import { faultAt, RequestError } from '../../request-error.ts'
import { answer, body, operation } from '../operation.ts'
import { listOf, readCursor, writeCursor } from '../paging.ts'
import { newRoutes } from '../new-routes.ts'
import { ENROLMENT_FAULTS } from './enrolment.ts'
import { faultOfRecord, jsonIn, movedDevice, readDer, RECORD, type ReadRecord } from './record.ts'
import { knownMove, MOVE_PARAMS, NO_MOVE } from './schema.ts'

/** The items of a move: what comes from the other server. */
export const moveItemRoutes = newRoutes()

const tags = ['Moves']
const MOST_LISTED = 1000
const MAX_CERTIFICATE_BYTES = 100_000
const kindWord = z.enum(ITEM_KINDS)
const newItem = z.strictObject({
  kind: kindWord.openapi({ description: 'what it is' }),
  // SQLite would store another text than one with half of a surrogate pair.
  id: z
    .string()
    .min(1)
    .max(MOST.idCharacters)
    .refine((id) => id.isWellFormed(), 'it has half of a surrogate pair')
    .openapi({
      description:
        'of a device its UDID or EnrollmentID, of a certificate its fingerprint, of a profile its ' +
        'identifier, of a setup user and of a blueprint its uuid, of a DEP key its serial number, of a DEP ' +
        'account the consumer key of its token',
    }),
  data: z.base64().openapi({
    description:
      'the content in base64. `device`: the JSON of a record. `authority`: JSON with `certificate` and ' +
      '`key` (DER and PKCS#8 in base64) and `nextSerial`. `dep_key`: the same without `nextSerial`. ' +
      '`blueprint`: JSON as MicroMDM shows it. `setup_user`, `dep_account`: JSON of `npm run move`. ' +
      '`certificate`: DER. `profile`, `challenge`, `kept`: the bytes themselves',
  }),
})

const newItems = z.strictObject({
  items: z
    .array(newItem)
    .min(1)
    .max(MOST.items)
    .openapi({ description: `up to ${MOST.items} items` }),
})

moveItemRoutes.openapi(
  operation('putMoveItems', 'put', '/moves/{id}/items', {
    tags,
    summary: 'Adds items to a move that is open',
    description:
      'An item with the same kind and id is replaced. Nothing is served from an open move.',
    params: MOVE_PARAMS,
    body: body(newItems, {
      device: {
        items: [
          {
            kind: 'device',
            id: RECORD.id,
            data: Buffer.from(JSON.stringify(RECORD)).toString('base64'),
          },
        ],
      },
    }),
    answers: { 200: answer('how many', z.object({ stored: z.int() }), { stored: 1 }) },
    problems: { ...NO_MOVE, 409: 'the move is not open any more' },
  }),
  async (c) => {
    const { id } = await knownMove(c.env.DB, c.req.valid('param').id)
    const items = c.req.valid('json').items.map(checked)
    if (!(await putItems(c.env.DB, c.var.config.sealer, id, items))) {
      throw new RequestError('the move is not open any more: its items stay as they are', 409)
    }
    return c.json({ stored: items.length }, 200)
  },
)

const listed = z.object({
  kind: kindWord,
  id: z.string(),
  digest: z.string().openapi({ description: 'SHA-256 of the content' }),
  standing: z.string().nullable().openapi({
    description:
      'of a device: `blocked`, `retired` (a binding without a device record) or `unproven`',
  }),
  outcome: z
    .string()
    .nullable()
    .openapi({
      description:
        'null while it waits; `applied`, `moved`, `merged`, `kept`, `contested` or `failed`. `merged`: the ' +
        'device has called here, so only what was missing was added. `kept`: what is here stays, or the ' +
        'item stays as it came',
    }),
  remark: z.string().nullable().openapi({
    description: 'what it lacks here, or why it stays as it came: revealMoveItem shows it then',
  }),
})

moveItemRoutes.openapi(
  operation('listMoveItems', 'get', '/moves/{id}/items', {
    tags,
    summary: 'Lists the items of one kind of a move',
    params: MOVE_PARAMS,
    query: {
      kind: kindWord.default('device').openapi({ description: 'the kind', example: 'device' }),
      cursor: z.string().optional().openapi({ description: '`next` of the page before' }),
    },
    answers: {
      200: listOf('a page of items', listed, {
        kind: 'device',
        id: RECORD.id,
        digest: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
        standing: null,
        outcome: 'moved',
        remark: null,
      }),
    },
    problems: NO_MOVE,
  }),
  async (c) => {
    const { id } = await knownMove(c.env.DB, c.req.valid('param').id)
    const { kind, cursor } = c.req.valid('query')
    const [after = ''] = readCursor(cursor, /^(.*)$/s) ?? []
    const rows = await listItems(c.env.DB, id, { kind, after, limit: MOST_LISTED })
    const items = rows.map(({ standing, outcome, remark, ...row }) => ({
      ...row,
      kind,
      standing: standing || null,
      outcome: outcome || null,
      remark: remark || null,
    }))
    const last = rows.length === MOST_LISTED ? rows.at(-1) : undefined
    return c.json({ items, next: last ? writeCursor(last.id) : null, total: null }, 200)
  },
)

/** An item with what lists show of it. @throws RequestError for one that could not be applied */
function checked({ kind, id, data }: z.output<typeof newItem>, place: number): NewItem {
  const bytes = new Uint8Array(Buffer.from(data, 'base64'))
  const fault = (text: string) => faultAt(`json.items[${place}].data`, text)
  const item = { kind, id, data: bytes, digest: createHash('sha256').update(bytes).digest('hex') }
  if (kind === 'device') {
    const record = movedDevice.safeParse(jsonIn(bytes))
    const wrong = record.success
      ? faultOfRecord(record.data)
      : record.error.issues[0]?.path.join('.')
    if (!record.success || wrong !== undefined || record.data.id !== id) {
      throw fault(`it is no record of the device ${id}: ${wrong ?? 'it has another id'}`)
    }
    return { ...item, ...aboutDevice(record.data) }
  }
  const wrong = FAULTS[kind](bytes, id)
  if (wrong !== undefined) {
    throw fault(wrong)
  }
  return { ...item, topic: '', standing: '' }
}

const FAULTS: Readonly<
  Record<Exclude<ItemKind, 'device'>, (bytes: Uint8Array, id: string) => string | undefined>
> = {
  authority: faultOfAuthority,
  certificate: (der, id) =>
    der.length <= MAX_CERTIFICATE_BYTES && readDer(der)?.fingerprint === id
      ? undefined
      : `it is no certificate of at most ${MAX_CERTIFICATE_BYTES} bytes with this fingerprint`,
  profile: ({ length }) =>
    length > MAX_PROFILE_BYTES ? `a profile has at most ${MAX_PROFILE_BYTES} bytes` : undefined,
  // A request without a challenge must find none.
  challenge: ({ length }) => (length === 0 ? 'it is empty' : undefined),
  kept: () => undefined,
  ...ENROLMENT_FAULTS,
}

const authorityRecord = z.strictObject({
  certificate: z.base64(),
  key: z.base64(),
  nextSerial: z.int().min(1).optional(),
})

function faultOfAuthority(bytes: Uint8Array): string | undefined {
  const record = authorityRecord.safeParse(jsonIn(bytes))
  if (!record.success) {
    return 'it has no certificate and key in base64'
  }
  const check = checkAuthority(
    pem('CERTIFICATE', Buffer.from(record.data.certificate, 'base64')),
    pem('PRIVATE KEY', Buffer.from(record.data.key, 'base64')),
  )
  return check.ok ? undefined : check.error
}

function aboutDevice({ channels, state, blocked, bindings = [] }: ReadRecord) {
  const own = channels.find(({ user }) => user === '')
  const standing = blocked
    ? 'blocked'
    : state === 'retired'
      ? state
      : bindings.length === 0
        ? 'unproven'
        : ''
  return { topic: own?.token ? own.topic : '', standing }
}
