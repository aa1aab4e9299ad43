/**
 * What a form holds, and the command that it makes. A draft is a tree like the command, with texts as they
 * were typed: the text of a number, the lines of a list, base64, the JSON of a value of any type. What is not
 * in the draft is not sent, so `false` and no answer differ.
 */
import type { TypeDocument, TypeKey } from '../../command-types/document.ts'

export type Draft = string | boolean | readonly Draft[] | DraftKeys
export interface DraftKeys {
  readonly [key: string]: Draft | undefined
}

export type Json = string | number | boolean | null | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [key: string]: Json
}

/** A place below `Command`: `['Updates', 0, 'ProductKey']`. */
export type Path = readonly (string | number)[]

export interface DraftFault {
  readonly path: Path
  readonly detail: string
}

/** How a key is shown, and what its draft is: see {@link Draft}. */
export type Control =
  | 'text'
  | 'flag'
  | 'choice'
  | 'file'
  | 'lines'
  | 'checks'
  | 'json'
  | 'keys'
  | 'items'

const INTEGER = /^[+-]?\d+$/
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)$/
const BASE64 = /^(?:[A-Za-z\d+/]{4})*(?:[A-Za-z\d+/]{2}==|[A-Za-z\d+/]{3}=)?$/

export function controlOf({ type, values, any_keys: isOpen, keys, item }: TypeKey): Control {
  switch (type) {
    case 'boolean':
      return 'flag'
    case 'data':
      return 'file'
    case 'dictionary':
      return isOpen || !keys ? 'json' : 'keys'
    case 'array':
      return !item ? 'json' : item.values ? 'checks' : isWord(item) ? 'lines' : 'items'
    case 'any':
      return 'json'
    default:
      return values ? 'choice' : 'text'
  }
}

function isWord({ type }: TypeKey): boolean {
  return type === 'string' || type === 'integer'
}

/** The keys of an item that may be one of several kinds, such as a setting, by its `Item`. */
export function keysOfKind(item: TypeKey, draft: Draft | undefined): readonly TypeKey[] {
  if (!item.kinds) {
    return item.keys ?? []
  }
  const kind = isKeys(draft) ? draft['Item'] : undefined
  return item.kinds.find((one) => one.item === kind)?.keys ?? []
}

export function isKeys(draft: Draft | undefined): draft is DraftKeys {
  return typeof draft === 'object' && !Array.isArray(draft)
}

/** The command under Apple's keys, and what is wrong in the form. The server decides about the rest. */
export function commandFrom(
  type: TypeDocument,
  draft: DraftKeys,
): { readonly command: JsonObject; readonly faults: readonly DraftFault[] } {
  const faults: DraftFault[] = []
  const keys = readKeys(type.keys, draft, { path: [], faults })
  if (type.one_of.length > 0 && !type.one_of.some((key) => keys[key] !== undefined)) {
    faults.push({
      path: type.one_of.slice(0, 1),
      detail: `One is needed: ${type.one_of.map((name) => titleOfKey(type, name)).join(', ')}`,
    })
  }
  return { command: { RequestType: type.request_type, ...keys }, faults }
}

/** The label of its field. */
function titleOfKey({ keys }: TypeDocument, name: string): string {
  return keys.find(({ key }) => key === name)?.title ?? name
}

interface At {
  readonly path: Path
  readonly faults: DraftFault[]
}

function readKeys(keys: readonly TypeKey[], draft: DraftKeys, at: At): JsonObject {
  const known = keys.map(
    (key) => [key.key, readKey(key, draft[key.key], inside(at, key.key))] as const,
  )
  const names = new Set(keys.map(({ key }) => key))
  const others = Object.entries(draft).flatMap(([name, text]) =>
    names.has(name) || typeof text !== 'string'
      ? []
      : [[name, readJson(text, inside(at, name))] as const],
  )
  return Object.fromEntries(
    [...known, ...others].flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}

function readKey(key: TypeKey, draft: Draft | undefined, at: At): Json | undefined {
  const value = draft === undefined ? undefined : READERS[controlOf(key)](key, draft, at)
  if (value !== undefined || !key.required) {
    return value
  }
  if (key.may_be_empty) {
    return key.type === 'array' ? [] : ''
  }
  if (!at.faults.some(({ path }) => path.join() === at.path.join())) {
    at.faults.push({ path: at.path, detail: 'Is needed' })
  }
  return undefined
}

type Reader = (key: TypeKey, draft: Draft, at: At) => Json | undefined

const READERS: Readonly<Record<Control, Reader>> = {
  text: (key, draft, at) => readText(key, textOf(draft), at),
  choice: (key, draft, at) => readText(key, textOf(draft), at),
  flag: (_key, draft) => (typeof draft === 'boolean' ? draft : undefined),
  file: (_key, draft, at) => {
    const text = textOf(draft).replaceAll(/\s/g, '')
    return text === '' ? undefined : BASE64.test(text) ? text : faulty(at, 'Is no base64')
  },
  lines: ({ item }, draft, at) => {
    const lines = textOf(draft)
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
    const values = lines.flatMap((line) => (item && readText(item, line, at)) ?? [])
    return values.length === 0 ? undefined : values
  },
  checks: (_key, draft) => (isList(draft) && draft.length > 0 ? draft.map(textOf) : undefined),
  json: (key, draft, at) => readJson(textOf(draft), at, key.type === 'dictionary'),
  keys: (key, draft, at) => {
    if (!isKeys(draft) || isBlank(draft)) {
      return undefined
    }
    return readKeys(key.keys ?? [], draft, at)
  },
  items: ({ item }, draft, at) => {
    if (!item || !isList(draft) || draft.length === 0) {
      return undefined
    }
    return draft.flatMap((one, n) => readItem(item, one, inside(at, n)) ?? [])
  },
}

function readItem(item: TypeKey, draft: Draft, at: At): Json | undefined {
  if (item.type !== 'dictionary') {
    return READERS[controlOf(item)](item, draft, at) ?? faulty(at, 'Is needed, or remove it')
  }
  const own = isKeys(draft) ? draft : {}
  const { Item: kind, ...rest } = own
  const keys = readKeys(keysOfKind(item, own), item.kinds ? rest : own, at)
  if (!item.kinds) {
    return keys
  }
  return typeof kind === 'string' && kind !== ''
    ? { Item: kind, ...keys }
    : faulty(at, 'Choose one')
}

function readText(key: TypeKey, text: string, at: At): Json | undefined {
  if (text === '') {
    return undefined
  }
  const listed = key.values?.find(({ value }) => String(value) === text)
  if (listed) {
    return listed.value
  }
  if (key.type === 'integer' || key.type === 'real') {
    return readNumber(key, text.trim(), at)
  }
  if (key.length !== undefined && text.length !== key.length) {
    return faulty(at, `Has to have ${key.length} characters`)
  }
  return text
}

function readNumber({ type, minimum, maximum }: TypeKey, text: string, at: At): Json | undefined {
  const isWhole = type === 'integer'
  const value = Number(text)
  if (!(isWhole ? INTEGER : NUMBER).test(text) || (isWhole && !Number.isSafeInteger(value))) {
    return faulty(at, isWhole ? 'Has to be a whole number' : 'Has to be a number')
  }
  if ((minimum !== undefined && value < minimum) || (maximum !== undefined && value > maximum)) {
    return faulty(at, `Has to be from ${minimum ?? '…'} to ${maximum ?? '…'}`)
  }
  return value
}

function readJson(text: string, at: At, isObject = false): Json | undefined {
  if (text.trim() === '') {
    return undefined
  }
  const value = parsed(text)
  if (value === undefined || value === null) {
    return faulty(at, 'Is no JSON')
  }
  return isObject && !isJsonKeys(value) ? faulty(at, 'Has to be a JSON object: {…}') : value
}

/** @returns `undefined` for a text that is no JSON */
export function parsed(text: string): Json | undefined {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- JSON.parse answers JSON
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

export function isJsonKeys(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Nothing in it is filled in. */
function isBlank(draft: Draft | undefined): boolean {
  if (typeof draft === 'string') {
    return draft === ''
  }
  return isKeys(draft)
    ? Object.values(draft).every(isBlank)
    : isList(draft)
      ? draft.length === 0
      : draft === undefined
}

function isList(draft: Draft | undefined): draft is readonly Draft[] {
  return Array.isArray(draft)
}

function textOf(draft: Draft): string {
  return typeof draft === 'string' ? draft : ''
}

function faulty(at: At, detail: string): undefined {
  at.faults.push({ path: at.path, detail })
  return undefined
}

function inside({ path, faults }: At, step: string | number): At {
  return { path: [...path, step], faults }
}
