import type { Manifest } from '../../ddm/manifest/manifest.ts'
import type { ChannelStatus } from '../../ddm/status/merge.ts'
import type { Context } from '../store/context.ts'
import { lastId, saveValues, valueOf, valuesOf } from '../store/manifest-row.ts'
import { STATUS_ERRORS, ITEM, REPORT, REPORTED } from './reported.ts'

interface ChannelNumber {
  readonly id: number
}

/** What the reports of a channel say together. Each item has a row, so that a change writes little. */
export function loadStatus(
  context: Pick<Context, 'db' | 'state'>,
  { id }: ChannelNumber,
): ChannelStatus {
  // The kept reports are long, and stay unread.
  const mapOf = (name: string) => new Map(JSON.parse(valueOf(context, id, name) ?? '[]'))
  const items = [...valuesOf(context, id, ITEM)]
  return {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- saveStatus wrote it
    declarations: mapOf(REPORTED) as ChannelStatus['declarations'],
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- saveStatus wrote it
    errors: mapOf(STATUS_ERRORS) as ChannelStatus['errors'],
    items: new Map(items.map(([name, value]) => [name.slice(ITEM.length), JSON.parse(value)])),
  }
}

/** Writes the rows that differ. */
export function saveStatus(
  context: Pick<Context, 'db' | 'state'>,
  { id }: ChannelNumber,
  before: ChannelStatus,
  after: ChannelStatus,
): void {
  const values = new Map<string, string | undefined>()
  for (const name of new Set([...before.items.keys(), ...after.items.keys()])) {
    const item = after.items.get(name)
    if (item !== before.items.get(name)) {
      values.set(ITEM + name, item && JSON.stringify(item))
    }
  }
  if (after.declarations !== before.declarations) {
    values.set(REPORTED, JSON.stringify([...after.declarations]))
  }
  if (after.errors !== before.errors) {
    values.set(STATUS_ERRORS, JSON.stringify([...after.errors]))
  }
  saveValues(context, id, values)
}

/** A report as it came. Times are milliseconds. */
export interface KeptReport {
  /** Counts the reports of the channel that were kept. */
  readonly id: number
  readonly at: number
  /** The length of the whole report. */
  readonly bytes: number
  readonly full: boolean
  readonly malformed: boolean
  /** The report, or its beginning. */
  readonly text: string
}

/** The last reports that said something new are kept. */
const MOST_REPORTS = 5

/** The kept reports of a channel, newest first. */
export function keptReports(
  context: Pick<Context, 'db' | 'state'>,
  { id }: ChannelNumber,
): KeptReport[] {
  return [...valuesOf(context, id, REPORT).values()]
    .map((stored): KeptReport => JSON.parse(stored))
    .toSorted((one, other) => other.id - one.id)
}

/** Keeps a report in place of the oldest one. */
export function keepReport(
  context: Pick<Context, 'db' | 'state'>,
  channel: ChannelNumber,
  report: Omit<KeptReport, 'id'>,
): void {
  const id = lastId(context, channel.id, REPORT) + 1
  const name = `${REPORT}${id % MOST_REPORTS}`
  saveValues(context, channel.id, new Map([[name, JSON.stringify({ id, ...report })]]))
}

/** Forgets what was reported of declarations that are no longer offered: they may come back. */
export function forgetReported(
  context: Pick<Context, 'db' | 'state'>,
  channel: ChannelNumber,
  before: Manifest,
  after: Manifest,
): void {
  const names = new Set(after.offered.map(({ identifier }) => identifier))
  if (before.offered.every(({ identifier }) => names.has(identifier))) {
    return
  }
  const status = loadStatus(context, channel)
  const declarations = new Map([...status.declarations].filter(([name]) => names.has(name)))
  if (declarations.size < status.declarations.size) {
    saveStatus(context, channel, status, { ...status, declarations })
  }
}
