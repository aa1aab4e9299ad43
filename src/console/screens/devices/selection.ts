/** The devices that were picked for one command, in an address and for the API: pure. */
import { type DeviceWords, filterPart, readWords } from './filter.ts'

/** Devices that were picked one by one; or all that a filter matches, without a few. */
export type Selection =
  | { readonly kind: 'ids'; readonly ids: readonly string[] }
  | {
      readonly kind: 'all'
      /** The list's address, of which the filter counts. */
      readonly query: URLSearchParams
      readonly except: readonly string[]
    }

/** The devices in the body of `POST /api/commands` and of its preview. */
export type Target =
  | { readonly ids: string[] }
  | { readonly filter: DeviceWords; readonly except?: string[] }
  | { readonly all: true; readonly except?: string[] }

/** How many picked devices, or left out ones, an address holds. */
export const MOST_PICKED = 300

const COMPOSER = '/console/commands/new'

/** The address where a command for these devices is composed. */
export function composerFor(selection: Selection): string {
  const words =
    selection.kind === 'ids'
      ? [['ids', listed(selection.ids)]]
      : [
          ...filterPart(selection.query),
          ...(selection.except.length > 0 ? [['except', listed(selection.except)]] : []),
        ]
  const query = new URLSearchParams(words).toString()
  return query === '' ? COMPOSER : `${COMPOSER}?${query}`
}

interface PickedRow {
  readonly id: string
  readonly serial_number: string | null
  readonly platform: string | null
}

/** The address of a new software update for these devices. It finds picked ones by their serial numbers. */
export function updateFor(selection: Selection, rows: readonly PickedRow[]): string {
  const query = selection.kind === 'all' ? filterPart(selection.query) : new URLSearchParams()
  if (selection.kind === 'all' && selection.except.length > 0) {
    query.set('except', 'some')
  }
  if (selection.kind === 'ids') {
    const picked = rows.filter(({ id }) => selection.ids.includes(id))
    query.set('platform', [...new Set(picked.flatMap(({ platform }) => platform ?? []))].join(','))
    query.set('serial_number', picked.flatMap((row) => row.serial_number ?? []).join(','))
  }
  query.set('new', 'update')
  return `/console/updates?${query.toString()}`
}

/**
 * The devices that an address of the composer means. Without a filter these are all enrolled devices.
 *
 * @param now the server's time, in milliseconds
 */
export function targetIn(query: URLSearchParams, now: number): Target {
  const ids = query.get('ids')
  if (ids !== null) {
    return { ids: idsIn(ids) }
  }
  const except = idsIn(query.get('except') ?? '')
  const left = except.length > 0 ? { except } : {}
  const filter = readWords(query, now)
  return Object.keys(filter).length > 0 ? { filter, ...left } : { all: true, ...left }
}

/** Ids stand between commas. One may have a comma. */
function listed(ids: readonly string[]): string {
  return ids.map((id) => id.replaceAll('%', '%25').replaceAll(',', '%2C')).join(',')
}

function idsIn(text: string): string[] {
  return text
    .split(',')
    .filter((id) => id !== '')
    .map((id) => id.replaceAll('%2C', ',').replaceAll('%25', '%'))
}
