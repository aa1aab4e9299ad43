import { MESSAGE_KEYS } from '../mdm/message.ts'
import { isBinaryPlist } from '../plist/binary.ts'
import { asDict } from '../plist/dict.ts'
import { tryToRead } from '../plist/error.ts'
import { entrySpans, readEntries, readPlist } from '../plist/read.ts'
import type { PlistDict, PlistValue } from '../plist/value.ts'
import { writePlist } from '../plist/write.ts'
import type { DeviceEvent } from './event.ts'
import { isSecretTopic } from './topics.ts'

/**
 * Secrets that open a device, or enrol its secure token: in check-ins, and in the answer to
 * RequestUnlockToken.
 */
const TOKENS = ['UnlockToken', 'BootstrapToken']

/** Stands in `redacted` when more than the tokens is missing. */
const MORE = 'raw_payload'

type Cut = Required<Pick<DeviceEvent, 'body' | 'redacted'>>

/**
 * The event without unlock and bootstrap tokens, and with the names of those that were cut. A message
 * without any stays byte for byte, and so does the rest of one in XML. A message that can be read is never
 * withheld as a whole.
 */
export function redacted(event: DeviceEvent): DeviceEvent {
  return mayHoldToken(event) ? { ...event, ...cutFrom(event.body) } : event
}

function cutFrom(body: Uint8Array): Cut | undefined {
  const read = tryToRead(() => readEntries(body, MESSAGE_KEYS))
  if (!read) {
    return { body: new Uint8Array(), redacted: [MORE] }
  }
  const tokens = TOKENS.filter((token) => token in read.dict || read.faults.has(token))
  if (tokens.length === 0) {
    return undefined
  }
  return (
    tryToRead(() =>
      isBinaryPlist(body) || isWide(body) ? rewritten(body, tokens) : spliced(body, tokens),
    ) ?? { body: writePlist(without(read.dict, tokens)), redacted: [...tokens, MORE] }
  )
}

function spliced(body: Uint8Array, tokens: readonly string[]): Cut {
  const rest = new Uint8Array(body)
  let length = 0
  let next = 0
  const keep = (to: number): void => {
    rest.set(body.subarray(next, to), length)
    length += to - next
  }
  for (const { key, from, to } of entrySpans(body)) {
    if (TOKENS.includes(key)) {
      keep(from)
      next = to
    }
  }
  keep(body.length)
  return { body: rest.slice(0, length), redacted: tokens }
}

/** A binary or UTF-16 message, written as XML without the entries that XML has no form for. */
function rewritten(body: Uint8Array, tokens: readonly string[]): Cut {
  const rest = without(asDict(readPlist(body, 'device')), tokens)
  const lost = Object.entries(rest)
    .filter(([key, value]) => !tryToRead(() => writePlist({ [key]: value })))
    .map(([key]) => key)
  return {
    body: writePlist(without(rest, lost)),
    redacted: lost.length === 0 ? tokens : [...tokens, MORE],
  }
}

function without(dict: PlistDict, keys: readonly string[]): Record<string, PlistValue> {
  const gone = new Set(keys)
  const rest: Record<string, PlistValue> = Object.create(null)
  for (const [key, value] of Object.entries(dict)) {
    if (!gone.has(key)) {
      rest[key] = value
    }
  }
  return rest
}

/** Parsing a plist costs CPU: inventories of megabytes are not parsed for this. */
function mayHoldToken({ topic, body }: DeviceEvent): boolean {
  return (
    body.length > 0 &&
    (isSecretTopic(topic) ||
      TOKENS.some((token) => holds(body, token)) ||
      isWide(body) ||
      isBinaryPlist(body))
  )
}

/** In UTF-16 and in a binary plist a search for bytes would not find the key. */
function isWide([first, second]: Uint8Array): boolean {
  return first === 0 || second === 0 || first === 0xfe || first === 0xff
}

function holds(body: Uint8Array, text: string): boolean {
  const first = text.charCodeAt(0)
  for (let at = body.indexOf(first); at !== -1; at = body.indexOf(first, at + 1)) {
    let same = 1
    while (same < text.length && body[at + same] === text.charCodeAt(same)) {
      same++
    }
    if (same === text.length) {
      return true
    }
  }
  return false
}
