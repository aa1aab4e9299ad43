import type { DeclarationsView } from '../../device/declarations/view.ts'
import { KINDS } from '../../ddm/kinds.ts'
import type { Reason } from '../../ddm/states.ts'
import { rfc3339 } from '../../events/event.ts'
import type { AppContext } from '../app-env.ts'
import { atDevice } from '../at-device.ts'
import { RequestError } from '../request-error.ts'
import { jsonAnswer } from './answer.ts'
import { idIn } from './request.ts'

/** How many ids one request may name: each is a call to an object. */
const MAX_IDS = 100

/** An entry of an answer, in KMFDDM's names. */
type Entry = Readonly<Record<string, unknown>>

/** What the devices have reported of their declarations, as `/v1/declaration-status/{id,…}`. */
export function getDeclarationStatus(c: AppContext): Promise<Response> {
  return ofChannels(c, (view) =>
    view.declarations
      .filter(({ reportedToken }) => reportedToken !== '')
      .map((declaration) => {
        const { state, reasons, serverToken, reportedToken, since } = declaration
        const { timestamp, ...report } = reportOf(
          view,
          state === 'pending' ? view.reportedAt : since,
        )
        return {
          ...statusOf(declaration),
          ManifestType: listOf(declaration),
          ...(reasons.length > 0 ? { ReasonsJSON: reasons } : {}),
          current: reportedToken === serverToken,
          status_received: timestamp,
          ...report,
          ...(reasons.length > 0 ? { reasons } : {}),
        }
      }),
  )
}

/** Declarations that failed, and the errors of items, oldest first. */
export function getStatusErrors(c: AppContext): Promise<Response> {
  return ofChannels(c, (view) => {
    const failed = view.declarations
      .filter(({ state }) => state === 'failed')
      .map((declaration) => ({
        at: declaration.since,
        path: `.StatusItems.management.declarations.${listOf(declaration)}`,
        error: { ...statusOf(declaration), reasons: declaration.reasons },
      }))
    const missing = view.errors.map(({ item, reasons, at }) => ({
      at,
      path: '.Errors',
      error: { StatusItem: item, Reasons: reasons.map(capitalized) },
    }))
    return [...failed, ...missing]
      .toSorted((one, other) => one.at - other.at)
      .map(({ at, ...entry }) => ({ ...entry, ...reportOf(view, at) }))
  })
}

/** The values of all status items, as texts. `prefix` is a pattern of SQL: `%` stands for any text. */
export function getStatusValues(c: AppContext): Promise<Response> {
  const pattern = c.req.query('prefix') ?? ''
  return ofChannels(c, (view) =>
    view.items.flatMap(({ name, value, at }) =>
      textsIn(value, `.StatusItems.${name}`)
        .filter(({ path }) => fits(path, pattern))
        .map((entry) => ({ ...entry, ...reportOf(view, at) })),
    ),
  )
}

async function ofChannels(
  c: AppContext,
  entriesOf: (view: DeclarationsView) => readonly Entry[],
): Promise<Response> {
  const ids = new Set(idIn(c).split(','))
  ids.delete('')
  if (ids.size > MAX_IDS) {
    throw new RequestError(`${ids.size} ids are more than ${MAX_IDS}: ask for them in parts`, 400)
  }
  const found: Record<string, readonly Entry[]> = {}
  for (const id of ids) {
    const view = await viewOf(c, id)
    const entries = view ? entriesOf(view) : []
    if (entries.length > 0) {
      found[id] = entries
    }
  }
  return jsonAnswer(`${JSON.stringify(found)}\n`)
}

type Declaration = DeclarationsView['declarations'][number]

/** The list of a report that has a declaration: `configurations`. */
function listOf({ kind }: Declaration): string {
  return kind === undefined ? '' : KINDS[kind].toLowerCase()
}

async function viewOf(c: AppContext, id: string): Promise<DeclarationsView | undefined> {
  const reply = await atDevice(c.env, id, (device, address) =>
    device.declarations(address, { kind: 'view' }),
  )
  return reply.kind === 'view' ? reply.view : undefined
}

function statusOf(declaration: Declaration): Entry {
  const { identifier, active, valid, reportedToken } = declaration
  return { identifier, active, valid, 'server-token': reportedToken }
}

/** The time of a value, and the report that brought it if it is still known. */
function reportOf({ reports }: DeclarationsView, time: number) {
  const report = reports.find(({ at }) => at === time)
  return { timestamp: rfc3339(time), ...(report && { status_id: String(report.id) }) }
}

/** Inside `Errors`, Apple's keys begin with capital letters. */
function capitalized({ code, description, details }: Reason): Entry {
  return { Code: code, Description: description, Details: details }
}

interface StatusText {
  readonly path: string
  readonly value: string
}

function textsIn(value: unknown, path: string): StatusText[] {
  if (Array.isArray(value)) {
    return value.flatMap((one) => textsIn(one, path))
  }
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([key, one]) => textsIn(one, `${path}.${key}`))
  }
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return value === null ? [] : [{ path, value: text }]
}

/** A pattern without `%` fits all that begins with it. */
function fits(path: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.toLowerCase().split('%')
  const text = path.toLowerCase()
  const last = rest.pop() ?? ''
  let at = text.startsWith(first) ? first.length : -1
  for (const part of rest) {
    const found = at === -1 ? -1 : text.indexOf(part, at)
    at = found === -1 ? -1 : found + part.length
  }
  return at !== -1 && text.endsWith(last) && text.length - last.length >= at
}

/** A report as the device sent it. `index` counts from the newest one, which is 0. */
export async function getStatusReport(c: AppContext): Promise<Response> {
  const id = idIn(c)
  const index = await reportIndex(c, id)
  const reply = await atDevice(c.env, id, (device, address) =>
    device.declarations(address, { kind: 'report', index }),
  )
  if (reply.kind !== 'report' || !reply.report) {
    throw new RequestError(
      `status report not found: ${id} has no report with the index ${index}`,
      404,
    )
  }
  const { id: number, at, text } = reply.report
  return jsonAnswer(text, {
    'last-modified': new Date(at).toUTCString(),
    'x-status-report-id': String(number),
    'x-status-report-index': String(index),
  })
}

async function reportIndex(c: AppContext, id: string): Promise<number> {
  const statusId = c.req.query('status_id') ?? ''
  if (statusId !== '') {
    const view = await viewOf(c, id)
    const found = view?.reports.findIndex((report) => String(report.id) === statusId) ?? -1
    if (found === -1) {
      throw new RequestError(`status report not found: ${id} has none with this status_id`, 404)
    }
    return found
  }
  const text = c.req.query('index')
  if (text === undefined) {
    throw new RequestError('empty index')
  }
  if (!/^[+-]?\d{1,15}$/.test(text)) {
    const quoted = JSON.stringify(text.slice(0, 100))
    throw new RequestError(`strconv.ParseInt: parsing ${quoted}: invalid syntax`, 400)
  }
  if (Number(text) < 0) {
    throw new RequestError(`index out of range: too low (${Number(text)})`)
  }
  return Number(text)
}
