/** The two lists of devices, in pages: all of them, and their changes since a cursor. */
import { Buffer } from 'node:buffer'
import { asOfVersion, recordOf } from './devices.ts'
import { blame, AppleRefusal, type DepRequest, type DepService, textIn } from './service.ts'
import { type AbmServer, appleTime } from './state.ts'

/** Limits of a page, as `GET /account` names them. */
export const PAGE_LIMIT = { default: 100, maximum: 1000 } as const
const DAY = 86_400_000
const CURSOR_LIFE = 7 * DAY
/** A full fetch once a week finds devices that the stream has missed; more often it is waste. */
const FETCH_EVERY = 6 * DAY
const MOST_SNAPSHOTS = 8

/** `at` counts devices of the snapshot, or changes of the stream; `ops` is where the stream goes on. */
interface DepCursor {
  readonly server: string
  readonly epoch: number
  readonly kind: 'fetch' | 'sync'
  readonly snapshot: string
  readonly at: number
  readonly ops: number
  readonly issued: number
}

/** `POST /server/devices`: the devices as they were at the first page. */
export function fetchPage(service: DepService, request: DepRequest): unknown {
  const { server, version, body, path } = request
  const text = textIn(body, 'cursor')
  const cursor = text === '' ? beginFetch(service, request) : readCursor(server, text)
  if (cursor.kind === 'sync') {
    if (service.exhausted.has(text)) {
      blame(service, 'exhausted twice', path)
    }
    service.exhausted.add(text)
    throw new AppleRefusal(400, 'EXHAUSTED_CURSOR')
  }
  const records = server.snapshots[cursor.snapshot]
  if (!records) {
    throw refusedCursor(server, 'INVALID_CURSOR')
  }
  const page = pageOf(service, body, cursor, records)
  const next: DepCursor = page.more
    ? { ...cursor, at: page.next }
    : { ...cursor, kind: 'sync', at: cursor.ops }
  server.cursorLives ||= !page.more
  return answer(service, { text, next, more: page.more }, (copies) =>
    page.items.flatMap((record) => copies(asOfVersion(record, version))),
  )
}

/** `POST /devices/sync`. */
export function syncPage(service: DepService, request: DepRequest): unknown {
  const { server, version, body } = request
  const text = textIn(body, 'cursor')
  if (text === '') {
    throw refusedCursor(server, 'CURSOR_REQUIRED')
  }
  const cursor = readCursor(server, text)
  if (cursor.kind === 'fetch') {
    throw refusedCursor(server, 'INVALID_CURSOR')
  }
  if (service.now() - cursor.issued > CURSOR_LIFE) {
    throw refusedCursor(server, 'EXPIRED_CURSOR')
  }
  const page = pageOf(service, body, cursor, server.ops)
  return answer(service, { text, next: { ...cursor, at: page.next }, more: page.more }, (copies) =>
    page.items.flatMap(({ record, type, at }) =>
      copies({ ...asOfVersion(record, version), op_type: type, op_date: appleTime(at) }),
    ),
  )
}

function beginFetch(service: DepService, { server, path }: DepRequest): DepCursor {
  const now = service.now()
  if (server.cursorLives && now - server.fetchedAt < FETCH_EVERY) {
    blame(service, 'needless full fetch', path)
  }
  Object.assign(server, { fetchedAt: now, cursorLives: false })
  const ids = Object.keys(server.snapshots)
  const snapshot = String(Number(ids.at(-1) ?? 0) + 1)
  ids.slice(0, 1 - MOST_SNAPSHOTS).forEach((id) => Reflect.deleteProperty(server.snapshots, id))
  server.snapshots[snapshot] = Object.values(service.state.devices)
    .filter((device) => device.server === server.uuid)
    .map(recordOf)
  const { uuid, epoch, ops } = server
  return { server: uuid, epoch, kind: 'fetch', snapshot, at: 0, ops: ops.length, issued: now }
}

/** Cuts a page. A page may repeat the end of the one before. */
function pageOf<T>(
  { behaviour }: DepService,
  body: DepRequest['body'],
  { at }: DepCursor,
  items: readonly T[],
) {
  const limit = body['limit'] ?? PAGE_LIMIT.default
  if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1) {
    throw new AppleRefusal(400, 'MALFORMED_REQUEST_BODY')
  }
  const next = Math.min(at + Math.min(limit, PAGE_LIMIT.maximum), items.length)
  return {
    items: items.slice(Math.max(0, at - behaviour.overlap), next),
    next,
    more: next < items.length,
  }
}

function answer(
  service: DepService,
  page: { readonly text: string; readonly next: DepCursor; readonly more: boolean },
  devicesOf: (copies: (device: object) => object[]) => object[],
): unknown {
  const { behaviour } = service
  const repeats = behaviour.sameCursor > 0 && page.text !== ''
  behaviour.sameCursor -= repeats ? 1 : 0
  return {
    cursor: repeats ? page.text : writeCursor({ ...page.next, issued: service.now() }),
    devices: devicesOf((device) => (behaviour.duplicates ? [device, device] : [device])),
    fetched_until: appleTime(service.now()),
    more_to_follow: repeats || page.more,
  }
}

function writeCursor(cursor: DepCursor): string {
  return Buffer.from(JSON.stringify(cursor)).toString('base64url')
}

/** @throws AppleRefusal for a text that is no cursor, and for those of other servers and epochs */
function readCursor(server: AbmServer, text: string): DepCursor {
  try {
    const cursor: DepCursor = JSON.parse(Buffer.from(text, 'base64url').toString())
    if (cursor.server === server.uuid && cursor.epoch === server.epoch) {
      return cursor
    }
  } catch {
    // Not one of ours.
  }
  throw refusedCursor(server, 'INVALID_CURSOR')
}

/** After it the client has to fetch anew. */
function refusedCursor(server: AbmServer, word: string): AppleRefusal {
  server.cursorLives = false
  return new AppleRefusal(400, word)
}
