/** Values of answers as people read them: pure, drawn by screens/command/answer.tsx. */
import type { Json } from '../composer/draft.ts'

export type Cell =
  | { readonly kind: 'text'; readonly text: string; readonly isMono?: true }
  /** For a search elsewhere: in mono, with Copy. */
  | { readonly kind: 'copied'; readonly text: string }
  | { readonly kind: 'state'; readonly tone: 'good' | 'warn' | 'quiet'; readonly text: string }
  | { readonly kind: 'time'; readonly at: string }
  | { readonly kind: 'end'; readonly at: string }
  | { readonly kind: 'share'; readonly value: number; readonly of: number; readonly text: string }
  | { readonly kind: 'data'; readonly base64: string }
  | { readonly kind: 'tree'; readonly value: Json }

/** How a value is meant. Without one its form tells. */
export type Unit = 'mono' | 'gigabytes' | 'bytes' | 'share' | 'seconds' | 'digits' | 'end'

export const NOTHING: Cell = { kind: 'text', text: '—' }

/** A plist's date in JSON (src/plist/json.ts). */
const DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/
const BASE64 = /^[A-Za-z\d+/]+={0,2}$/
/** Shorter base64 is read as a text, which it may be. */
const LONG = 100

export function cellOf(value: Json | undefined, unit?: Unit): Cell {
  if (value === undefined || value === null || value === '') {
    return NOTHING
  }
  if (typeof value === 'boolean') {
    return { kind: 'text', text: value ? 'Yes' : 'No' }
  }
  if (typeof value === 'number') {
    return numberCell(value, unit)
  }
  if (typeof value === 'string') {
    return textCell(value, unit)
  }
  return listCell(value)
}

function number(count: number, digits = 1): string {
  return count.toLocaleString('en-GB', { maximumFractionDigits: digits })
}

function numberCell(value: number, unit: Unit | undefined): Cell {
  switch (unit) {
    case 'gigabytes':
      return text(`${number(value)} GB`)
    case 'bytes':
      return text(sizeText(value))
    case 'share':
      return value < 0
        ? NOTHING
        : { kind: 'share', value, of: 1, text: `${number(value * 100, 0)} %` }
    case 'seconds':
      return text(
        value % 60 === 0 && value > 0 ? `${number(value / 60)} min` : `${number(value)} s`,
      )
    case 'digits':
    case 'mono':
      return { kind: 'text', text: String(value), isMono: true }
    default:
      return text(number(value, 6))
  }
}

function textCell(value: string, unit: Unit | undefined): Cell {
  if (DATE.test(value)) {
    return { kind: unit === 'end' ? 'end' : 'time', at: value }
  }
  if (value.length > LONG && value.length % 4 === 0 && BASE64.test(value)) {
    return { kind: 'data', base64: value }
  }
  return unit === 'mono' ? { kind: 'text', text: value, isMono: true } : text(value)
}

function listCell(value: Json): Cell {
  if (!Array.isArray(value)) {
    return { kind: 'tree', value }
  }
  if (value.length === 0) {
    return text('None')
  }
  const items: readonly Json[] = value
  const words = items.filter((one) => typeof one === 'string' && one.length < LONG)
  return words.length === items.length
    ? text(words.map(String).join(', '))
    : { kind: 'tree', value }
}

function text(words: string): Cell {
  return { kind: 'text', text: words }
}

const STEP = 1000
const SIZES = ['B', 'kB', 'MB', 'GB', 'TB']

/** “12.3 MB”, by thousands as Apple counts. */
export function sizeText(bytes: number): string {
  let size = bytes
  let at = 0
  while (Math.abs(size) >= STEP && at < SIZES.length - 1) {
    size /= STEP
    at++
  }
  return `${number(size, at === 0 ? 0 : 1)} ${SIZES[at]}`
}

/** The text of a cell: for CSV, and to search in. */
export function cellWords(cell: Cell): string {
  switch (cell.kind) {
    case 'time':
    case 'end':
      return cell.at
    case 'data':
      return cell.base64
    case 'tree':
      return JSON.stringify(cell.value)
    default:
      return cell.text
  }
}
