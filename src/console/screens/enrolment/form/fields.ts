/** Forms over JSON: which keys they have, and how text becomes a value: pure. */

export type JsonForm = Readonly<Record<string, unknown>>

/** One field of a form. */
export interface FieldOf {
  readonly key: string
  readonly label: string
  /** `list`: one text a line. `many`: some of a few words. */
  readonly as: 'text' | 'number' | 'list' | 'flag' | 'choice' | 'many' | 'json'
  readonly hint?: string
  readonly isNeeded?: boolean
  /** Of a flag: what holds without the key. */
  readonly usual?: boolean
  /** Of `choice` and `many`: the words and their labels. */
  readonly of?: readonly (readonly [word: string, label: string])[]
  /** Of a choice: what holds without the key. */
  readonly none?: string
}

/** A fault of the server with its place, such as `json.steps.3.id`. */
export interface PlacedFault {
  readonly at: string
  readonly detail: string
}

/** The object with another value of a key. What is empty goes. */
export function withKey(json: JsonForm, key: string, value: unknown): JsonForm {
  const { [key]: _before, ...others } = json
  return isVoid(value) ? others : { ...json, [key]: value }
}

function isVoid(value: unknown): boolean {
  return value === undefined || value === '' || (Array.isArray(value) && value.length === 0)
}

/** The value of what is typed. What cannot be read stays as text: the server says what is wrong with it. */
export function readAs({ as }: Pick<FieldOf, 'as'>, text: string): unknown {
  const trimmed = text.trim()
  if (trimmed === '') {
    return undefined
  }
  if (as === 'list') {
    return trimmed
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
  }
  if (as === 'number') {
    return /^-?\d+$/.test(trimmed) ? Number(trimmed) : text
  }
  return as === 'json' ? parsed(text) : text
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** A value as text to edit. */
export function shownAs({ as }: Pick<FieldOf, 'as'>, value: unknown): string {
  if (value === undefined || value === null) {
    return ''
  }
  if (typeof value === 'string') {
    return value
  }
  return as === 'list' && Array.isArray(value) ? value.join('\n') : JSON.stringify(value, null, 2)
}

/** Whether two values are the same JSON. */
export function isEqualJson(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

/** What is wrong at a place, or below it. */
export function faultAt(faults: readonly PlacedFault[], at: string): string | undefined {
  const found = faults.filter((one) => one.at === at || one.at.startsWith(`${at}.`))
  return found.length === 0 ? undefined : found.map(({ detail }) => detail).join('; ')
}

/** The places of faults that stand at one of these fields. */
export function placesAt(faults: readonly PlacedFault[], fields: readonly string[]): string[] {
  return faults
    .map(({ at }) => at)
    .filter((at) => fields.some((field) => at === field || at.startsWith(`${field}.`)))
}

/** The list with one item at another place. */
export function moved<Item>(items: readonly Item[], from: number, to: number): readonly Item[] {
  const item = items.slice(from, from + 1)
  const others = items.toSpliced(from, 1)
  return to < 0 || to >= items.length ? items : others.toSpliced(to, 0, ...item)
}
