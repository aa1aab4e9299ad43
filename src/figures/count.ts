import { clock } from '../clock.ts'

/** Numbers by their series: `name{label="value"}`, as `/metrics` writes it. */
export type Counts = Readonly<Record<string, number>>

/** An isolate hands its counts on after so many, or after this time: each hand-over is a paid call. */
const LOT = 500
const EVERY = 600_000
/** Labels have few values. Should one have many by mistake, memory stays bounded. */
const MAX_SERIES = 500
const MAX_LABEL = 100

/** What this isolate has counted and not handed on. */
let counts = new Map<string, number>()
let total = 0
/** When the first of them was counted. */
let since = 0

/** The series of a metric with these labels. Values are words of this server: never an id of a device. */
export function seriesOf(metric: string, labels: Readonly<Record<string, string>> = {}): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}=${quoted(value)}`)
  return `edgemdm_${metric}${pairs.length > 0 ? `{${pairs.join()}}` : ''}`
}

/** The format escapes `\\` and `"` as JSON does, and knows none of JSON's other escapes. */
function quoted(value: string): string {
  return JSON.stringify(
    value
      .slice(0, MAX_LABEL)
      .toWellFormed()
      .replaceAll(/\p{Cc}/gu, ' '),
  )
}

/** Counts in the memory of this isolate. */
export function count(metric: string, labels?: Readonly<Record<string, string>>): void {
  add(seriesOf(metric, labels), 1)
}

function add(series: string, n: number): void {
  if (counts.has(series) || counts.size < MAX_SERIES) {
    since = total === 0 ? clock.now() : since
    counts.set(series, (counts.get(series) ?? 0) + n)
    total += n
  }
}

/** What is to be handed on now; `undefined` while it may wait. */
export function takeCounts(): Counts | undefined {
  if (total === 0 || (total < LOT && clock.now() - since < EVERY)) {
    return undefined
  }
  const taken = Object.fromEntries(counts)
  counts = new Map()
  total = 0
  return taken
}

/** Takes counts back that could not be handed on. */
export function giveBack(taken: Counts): void {
  for (const [series, n] of Object.entries(taken)) {
    add(series, n)
  }
}
