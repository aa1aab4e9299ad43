/**
 * The filters of the list: pure. The address has them as words, and the API as a query or as the filter of a
 * bulk command.
 */
import type { Schema } from '../../api/types.ts'
import { ENROLLMENT_WORDS, FILTER_WORDS, PUSH_WORDS, RENEWAL_WORDS, STATE_WORDS } from './text.ts'

/** The same words in the query of the list and in the filter of a bulk command. */
export type DeviceWords = Schema<'DeviceFilter'>
type Word = keyof DeviceWords

/** The words of the address that say how the list is shown, and not which devices it has. */
export const SHOWN_WORDS: readonly string[] = ['sort', 'cols', 'from', 'skip']

interface Filter {
  readonly label: string
  /** The known values with their labels. */
  readonly choices?: Readonly<Record<string, string>>
  readonly read: (text: string) => DeviceWords[Word]
  /** A shorter name in the address. */
  readonly short?: string
}

const PLATFORMS = ['macOS', 'iOS', 'iPadOS', 'tvOS', 'watchOS', 'visionOS']
const ASKED = { true: FILTER_WORDS.yes, false: FILTER_WORDS.no }
const text = (word: string): string | undefined => word.trim() || undefined
const time = (word: string): string | undefined =>
  Number.isNaN(Date.parse(word)) ? undefined : new Date(word).toISOString()
const flag = (word: string): boolean | undefined =>
  word === 'true' ? true : word === 'false' ? false : undefined

function choice(label: string, choices: Readonly<Record<string, string>>, short?: string): Filter {
  const read = (words: string): never[] | undefined => {
    const known = words.split(',').filter((word) => Object.hasOwn(choices, word))
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the table names the API's words
    return known.length > 0 ? (known as never[]) : undefined
  }
  return { label, choices, read, ...(short !== undefined && { short }) }
}

/** Each filter by the API's name, in the order in which the list shows it. */
export const DEVICE_FILTERS: Readonly<Record<Word, Filter>> = {
  q: { label: FILTER_WORDS.search, read: text },
  platform: choice(
    FILTER_WORDS.platform,
    Object.fromEntries(PLATFORMS.map((platform) => [platform, platform])),
  ),
  os_version: { label: FILTER_WORDS.os, read: text, short: 'os' },
  state: choice(FILTER_WORDS.state, STATE_WORDS),
  push_state: choice(FILTER_WORDS.push, PUSH_WORDS, 'push'),
  enrollment_type: choice(FILTER_WORDS.enrollment, ENROLLMENT_WORDS),
  supervised: { label: FILTER_WORDS.supervised, read: flag, choices: ASKED },
  blocked: { label: FILTER_WORDS.blocked, read: flag, choices: ASKED },
  renewal: choice(FILTER_WORDS.renewal, RENEWAL_WORDS),
  contested: { label: FILTER_WORDS.contested, read: flag, choices: ASKED },
  serial_number_contested: { label: FILTER_WORDS.serialContested, read: flag, choices: ASKED },
  device_name: { label: FILTER_WORDS.name, read: text },
  model: { label: FILTER_WORDS.model, read: text },
  serial_number: {
    label: FILTER_WORDS.serial,
    read: (words) => {
      const serials = words.split(',').flatMap((word) => text(word) ?? [])
      return serials.length > 0 ? serials : undefined
    },
  },
  last_seen_before: { label: FILTER_WORDS.seenBefore, read: time },
  last_seen_after: { label: FILTER_WORDS.seenAfter, read: time },
}

/** `seen=7d`: silent for longer; `seen=in-7d`: seen within. They move with the clock. */
export const SEEN: Readonly<Record<string, string>> = FILTER_WORDS.seen
const DAY = 86_400_000

/**
 * The devices that an address means. Words that are unknown, or have no sense, count as left out: people edit
 * addresses.
 *
 * @param now the server's time, in milliseconds
 */
export function readWords(query: URLSearchParams, now: number): DeviceWords {
  const words: Partial<Record<Word, unknown>> = {}
  for (const [word, { read, short }] of entriesOf()) {
    const given = query.get(word) ?? (short === undefined ? null : query.get(short))
    const value = given === null ? undefined : read(given)
    if (value !== undefined) {
      words[word] = value
    }
  }
  const [, isWithin, days] = /^(in-)?(\d{1,4})d$/.exec(query.get('seen') ?? '') ?? []
  if (days !== undefined) {
    // Whole minutes: the address of the request, by which answers are kept, does not change each time.
    const since = Math.floor(now / 60_000) * 60_000 - Number(days) * DAY
    words[isWithin === undefined ? 'last_seen_before' : 'last_seen_after'] ??= new Date(
      since,
    ).toISOString()
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each filter reads its own word
  return words as DeviceWords
}

/** A filter that is on: what it says, and the words of the address that it takes away. */
export interface Chip {
  readonly label: string
  readonly value: string
  readonly without: Readonly<Record<string, undefined>>
  /** The address has a value that filters nothing. It is shown, so that it can be taken away. */
  readonly isUnknown: boolean
}

/** The filters that are on, but for the search, which stands in its field. */
export function chipsOf(query: URLSearchParams): readonly Chip[] {
  const words = readWords(query, 0)
  const chips = entriesOf().flatMap(([word, { label, choices, short }]): Chip[] => {
    const given = query.get(word) ?? (short === undefined ? null : query.get(short))
    const value = words[word]
    return !given || word === 'q'
      ? []
      : [
          {
            label,
            value:
              value === undefined
                ? FILTER_WORDS.unknown(given)
                : [value]
                    .flat()
                    .map((one) => choices?.[String(one)] ?? String(one))
                    .join(', '),
            without: { [word]: undefined, ...(short !== undefined && { [short]: undefined }) },
            isUnknown: value === undefined,
          },
        ]
  })
  const seen = query.get('seen') ?? ''
  const [, isWithin, days] = /^(in-)?(\d{1,4})d$/.exec(seen) ?? []
  return seen === ''
    ? chips
    : [
        ...chips,
        {
          label: FILTER_WORDS.lastSeen,
          value:
            days === undefined
              ? FILTER_WORDS.unknown(seen)
              : (SEEN[seen] ?? FILTER_WORDS.seenOther(Number(days), isWithin !== undefined)),
          without: { seen: undefined },
          isUnknown: days === undefined,
        },
      ]
}

/** The chosen values of a filter with choices. */
export function chosenIn(query: URLSearchParams, word: Word): readonly string[] {
  return [readWords(query, 0)[word] ?? []].flat().map(String)
}

/** The words of the address that choose these values. */
export function chosen(word: Word, values: readonly string[]): Record<string, string | undefined> {
  const { short } = DEVICE_FILTERS[word]
  const joined = values.join(',') || undefined
  return short === undefined ? { [word]: joined } : { [word]: undefined, [short]: joined }
}

/** The words of the address that say which devices are meant. */
export function filterPart(query: URLSearchParams): URLSearchParams {
  return new URLSearchParams([...query].filter(([word]) => !SHOWN_WORDS.includes(word)))
}

function entriesOf(): [Word, Filter][] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of the table
  return Object.entries(DEVICE_FILTERS) as [Word, Filter][]
}
