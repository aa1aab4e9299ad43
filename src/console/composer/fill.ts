/** A draft out of a command in JSON, and changes of a draft. */
import type { TypeDocument, TypeKey } from '../../command-types/document.ts'
import {
  commandFrom,
  controlOf,
  isJsonKeys,
  isKeys,
  keysOfKind,
  type Control,
  type Draft,
  type DraftKeys,
  type Json,
  type JsonObject,
  type Path,
} from './draft.ts'

/**
 * The form for a command.
 *
 * @returns `undefined` if the form would send something else: for an empty text, or a value of another type
 */
export function draftOf(type: TypeDocument, command: JsonObject): DraftKeys | undefined {
  const { RequestType: _type, ...keys } = command
  const draft = fillKeys(type.keys, keys)
  return isSame(commandFrom(type, draft).command, command) ? draft : undefined
}

/** The texts that an address names, by their keys: `?Identifier=com.example.wifi`. */
export function draftOfWords({ keys }: TypeDocument, words: URLSearchParams): DraftKeys {
  const texts = keys.filter((key) => controlOf(key) === 'text' && words.has(key.key))
  return Object.fromEntries(texts.map(({ key }) => [key, words.get(key) ?? '']))
}

function fillKeys(keys: readonly TypeKey[], json: JsonObject): DraftKeys {
  return Object.fromEntries(
    Object.entries(json).map(([name, value]) => {
      const key = keys.find((one) => one.key === name)
      return [name, key ? fillKey(key, value) : JSON.stringify(value)]
    }),
  )
}

function fillKey(key: TypeKey, value: Json): Draft | undefined {
  return FILLERS[controlOf(key)](value, key)
}

type Filler = (value: Json, key: TypeKey) => Draft | undefined

const wordIn: Filler = (value) => (isWord(value) ? String(value) : undefined)

const FILLERS: Readonly<Record<Control, Filler>> = {
  flag: (value) => (typeof value === 'boolean' ? value : undefined),
  text: wordIn,
  choice: wordIn,
  file: wordIn,
  lines: (value) => (isJsonList(value) ? value.map(String).join('\n') : undefined),
  checks: (value) => (isJsonList(value) ? value.map(String) : undefined),
  json: (value) => JSON.stringify(value, null, 2),
  keys: (value, key) => (isJsonKeys(value) ? fillKeys(key.keys ?? [], value) : undefined),
  items: (value, key) =>
    isJsonList(value) ? value.map((one) => fillItem(key.item, one)) : undefined,
}

function isJsonList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

function fillItem(item: TypeKey | undefined, value: Json): Draft {
  if (!item || !isJsonKeys(value)) {
    return isWord(value) ? String(value) : ''
  }
  const { Item: kind, ...rest } = value
  if (!item.kinds || typeof kind !== 'string') {
    return fillKeys(item.keys ?? [], value)
  }
  return { Item: kind, ...fillKeys(keysOfKind(item, { Item: kind }), rest) }
}

function isWord(value: Json): value is string | number {
  return typeof value === 'string' || typeof value === 'number'
}

/** Equal but for the order of keys. */
export function isSame(one: Json | undefined, other: Json | undefined): boolean {
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((item, n) => isSame(item, other[n]))
  }
  if (isJsonKeys(one) && isJsonKeys(other)) {
    const names = Object.keys(one)
    return (
      names.length === Object.keys(other).length &&
      names.every((name) => isSame(one[name], other[name]))
    )
  }
  return one === other
}

/** The draft with another value at a place; `undefined` takes it away. */
export function putAt(draft: DraftKeys, path: Path, value: Draft | undefined): DraftKeys {
  const put = putInside(draft, path, value)
  return isKeys(put) ? put : {}
}

function putInside(
  draft: Draft | undefined,
  path: Path,
  value: Draft | undefined,
): Draft | undefined {
  const [step, ...rest] = path
  if (step === undefined) {
    return value
  }
  if (typeof step === 'number') {
    const list: readonly Draft[] = Array.isArray(draft) ? draft : []
    const put = putInside(list[step], rest, value)
    return list.toSpliced(step, 1, ...(put === undefined ? [] : [put]))
  }
  const { [step]: before, ...others } = isKeys(draft) ? draft : {}
  const put = putInside(before, rest, value)
  return put === undefined ? others : { ...others, [step]: put }
}

export function draftAt(draft: Draft | undefined, path: Path): Draft | undefined {
  const [step, ...rest] = path
  if (step === undefined || draft === undefined) {
    return draft
  }
  if (typeof step === 'number') {
    return Array.isArray(draft) ? draftAt(draft[step], rest) : undefined
  }
  return isKeys(draft) ? draftAt(draft[step], rest) : undefined
}
