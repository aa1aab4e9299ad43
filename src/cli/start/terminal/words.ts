/** The Worker's log for people: a sentence for each event. */
import { platformOf, type Platform } from '../../../apple/platform.ts'
import { SENTENCES } from './sentences.ts'

export type Detail = Readonly<Record<string, unknown>>

/** Names of devices, as far as their models are known. */
export interface Names {
  readonly nameDevice: (device: string, model: string) => void
  readonly of: (detail: Detail) => string
}

/** Good, bad or neither. */
export type Tone = 'good' | 'bad' | 'plain'

export interface EventLine {
  readonly text: string
  readonly tone: Tone
}

const MOST_NAMES = 10_000
const MAX_DETAIL = 300
/** Less would be shown as 0.0 s. */
const AT_ONCE = 50
/** They move the cursor, or reverse the text. A device chose some of these words. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** Cut to the minute. */
const MOMENT = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d\.\d+Z$/

const KINDS: Readonly<Record<Platform, string>> = {
  macOS: 'Mac',
  iOS: 'iPhone',
  iPadOS: 'iPad',
  tvOS: 'Apple TV',
  watchOS: 'Apple Watch',
  visionOS: 'Apple Vision Pro',
}

/** The status in which a device reports each state (Apple: "Commands and Queries"). */
const ANSWERS: Readonly<Record<string, readonly [string, Tone]>> = {
  acknowledged: ['Acknowledged', 'good'],
  error: ['Error', 'bad'],
  format_error: ['CommandFormatError', 'bad'],
  not_now: ['NotNow', 'plain'],
  cancelled: ['answered, but it was cancelled', 'plain'],
  expired: ['answered, but it had expired', 'plain'],
}

export function createNames(): Names {
  const models = new Map<string, string>()
  return {
    nameDevice: (device, model) => {
      if (models.size >= MOST_NAMES) {
        models.clear()
      }
      models.set(device, model)
    },
    of: ({ device, user }) => {
      const id = printable(device ?? '')
      const model = models.get(id)
      const isOneOfSeveral = [...models.values()].filter((other) => other === model).length > 1
      const name =
        model === undefined
          ? `device ${id}`.trim()
          : `${model}${isOneOfSeveral ? ` …${id.slice(-4)}` : ''}`
      return user === true ? `a user of ${name}` : name
    },
  }
}

/** The sentence for an event. An event without a sentence is shown unchanged. */
export function lineOf(detail: Detail, names: Names): EventLine {
  const { event, device, model } = detail
  if (typeof device === 'string' && typeof model === 'string') {
    names.nameDevice(device, kindOf(printable(model)))
  }
  switch (event) {
    case 'command:answered':
      return answered(detail, names)
    case 'command:waits': {
      const why = detail['held'] === undefined ? 'until it enrols' : 'until an admin releases it'
      const text = `${printable(detail['request_type'])} waits for ${names.of(detail)} ${why}`
      return { text, tone: 'plain' }
    }
  }
  const sentence = SENTENCES[String(event)]
  return {
    text: sentence ? filled(sentence, detail, names) : plainly(detail, names),
    tone: 'plain',
  }
}

function answered(detail: Detail, names: Names): EventLine {
  const { request_type: requestType, state, ms, error } = detail
  const [word, tone] = ANSWERS[String(state)] ?? [printable(state), 'plain']
  const time = typeof ms !== 'number' ? '' : ms < AT_ONCE ? ' at once' : ` in ${durationOf(ms)}`
  const why = error === undefined ? '' : `: ${printable(error)}`
  return { text: `${printable(requestType)} → ${names.of(detail)} · ${word}${time}${why}`, tone }
}

function filled(sentence: string, detail: Detail, names: Names): string {
  return (
    sentence
      .replace(/\{(\w+)\}/g, (_, name: string) => nameIn(name, detail, names))
      // Some details are not always known.
      .replace(/[ :]*(\(\))?$/, '')
  )
}

function nameIn(name: string, detail: Detail, names: Names): string {
  const value = printable(detail[name] ?? '')
  switch (name) {
    case 'device':
      return names.of(detail)
    case 'webhook':
      // The webhook of WEBHOOK_URL has this name.
      return value === 'webhook' ? 'the webhook' : `webhook ${value}`
    default:
      return value
  }
}

function plainly({ event, ...detail }: Detail, names: Names): string {
  const details = Object.entries(detail)
    .filter(([name]) => name !== 'user' && name !== 'model')
    .map(([name, value]) => (name === 'device' ? names.of(detail) : `${name} ${printable(value)}`))
  return [printable(event), ...details].join(' · ')
}

/** `iPhone14,5` means little to people. */
function kindOf(model: string): string {
  const platform = /\d,\d/.test(model) ? platformOf(model) : undefined
  return platform ? KINDS[platform] : model
}

/** The text of a sender as one line. */
export function printable(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  const line = text.replace(UNPRINTABLE, '\u{fffd}').replace(MOMENT, '$1 $2')
  return line.length > MAX_DETAIL ? `${line.slice(0, MAX_DETAIL)}…` : line
}

export function durationOf(ms: number): string {
  const units: readonly (readonly [number, string])[] = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
  ]
  const [size, unit] = units.find(([least]) => ms >= 2 * least) ?? [1000, 's']
  return `${(ms / size).toFixed(unit === 's' && ms < 10_000 ? 1 : 0)} ${unit}`
}
