/**
 * The command types as `GET /api/command-types` answers them: Apple's schema (src/apple/commands.json), the
 * facts that only people need (facts.json, of the same source), our marks (src/commands/table.ts) and words.
 * The build writes them to a file; the Worker serves it and does not hold it.
 */
import { FILLED_IN, MAY_BE_EMPTY, ONE_OF, PIN_LENGTH } from '../apple/check.ts'
import {
  commandSchema,
  EVERY_COMMAND,
  REQUEST_TYPES,
  type CommandSchema,
  type Keys,
  type KeySchema,
} from '../apple/schema.ts'
import { commandType } from '../commands/request-types.ts'
import facts from './facts.json' with { type: 'json' }
import { hintOfKey, LEADING_KEYS, titleOfKey } from './key-words.ts'
import type { KeyThere, There, TypeDocument, TypeKey } from './document.ts'
import { commandAvailability, keyAvailability, type Known } from './there.ts'
import { TYPE_WORDS } from './words.ts'

const FACTS: Readonly<Record<string, Known>> = facts

/** Every command type that Apple documents, grouped, the most wanted first. */
export function commandCatalogue(): readonly TypeDocument[] {
  const wanted = [...TYPE_WORDS.keys()]
  return REQUEST_TYPES.toSorted((one, other) => wanted.indexOf(one) - wanted.indexOf(other)).map(
    document,
  )
}

function document(requestType: string): TypeDocument {
  const schema = commandSchema(requestType)
  const words = TYPE_WORDS.get(requestType)
  if (!schema || !words) {
    throw new Error(`src/command-types/words.ts has no words for ${requestType}`)
  }
  const known = FACTS[requestType] ?? {}
  const row = commandType(requestType)
  const secrets = new Set(row?.fields.filter(({ secret }) => secret).map(({ plist }) => plist))
  return {
    request_type: requestType,
    group: words.group,
    description: words.description,
    loses: words.loses ?? null,
    secret: row?.secret ?? true,
    destructive: row?.destructive ?? false,
    replacement: schema.replacement ?? null,
    availability: commandAvailability(schema.on, known),
    one_of: ONE_OF[requestType] ?? [],
    keys: keysOf(requestType, schema, known).map((key) =>
      secrets.has(key.key) ? { ...key, secret: true as const } : key,
    ),
  }
}

function keysOf(requestType: string, schema: CommandSchema, known: Known): readonly TypeKey[] {
  const writer = { requestType, known }
  return [...keyList(schema.keys, [], writer), ...keyList(EVERY_COMMAND, [], writer)]
}

interface Writer {
  readonly requestType: string
  readonly known: Known
}

/** What is needed comes first, then what people look for. Apple's own order is the alphabet's. */
function keyList(keys: Keys = {}, path: readonly string[], writer: Writer): readonly TypeKey[] {
  const all = Object.entries(keys).map(([key, schema]) =>
    keyOf(key, schema, [...path, key], writer),
  )
  return all.toSorted((one, other) => placeOf(one) - placeOf(other))
}

function placeOf({ key, required }: TypeKey): number {
  const place = LEADING_KEYS.indexOf(key)
  return (required ? 0 : 100) + (place < 0 ? LEADING_KEYS.length : place)
}

function keyOf(key: string, schema: KeySchema, path: readonly string[], writer: Writer): TypeKey {
  const { requestType, known } = writer
  const fact = known.keys?.[path.join('.')]
  const [minimum, maximum] = schema.range ?? []
  const hint = hintOfKey(requestType, path)
  const there = keyAvailability(fact)
  return {
    key,
    type: schema.any ? 'dictionary' : schema.type,
    title: titleOfKey(key),
    ...(hint !== undefined && { description: hint }),
    ...(schema.required && !FILLED_IN.has(`${requestType}.${key}`) && { required: true }),
    ...(MAY_BE_EMPTY.has(key) && { may_be_empty: true }),
    ...(key === 'PIN' && { length: PIN_LENGTH }),
    ...(minimum !== undefined && { minimum }),
    ...(maximum !== undefined && { maximum }),
    ...(fact?.default !== undefined && { default: fact.default }),
    ...(there && { availability: there }),
    ...insideOf(schema, path, writer),
  }
}

function insideOf(
  { enum: list, values, keys, item, kinds, any }: KeySchema,
  path: readonly string[],
  writer: Writer,
): Partial<TypeKey> {
  return {
    ...(list && { values: list.map((value) => ({ value })) }),
    ...(values && {
      values: Object.entries(values).map(([value, part]) => ({
        value,
        availability: commandAvailability(part.on, {}).map(asKey),
        ...(part.replacement !== undefined && { replacement: part.replacement }),
      })),
    }),
    ...(keys && { keys: keyList(keys, path, writer) }),
    ...(item && { item: itemOf(item, path, writer) }),
    ...(kinds && {
      kinds: Object.entries(kinds).map(([name, kind]) => ({
        item: name,
        title: titleOfKey(name),
        availability: commandAvailability(
          kind.on,
          writer.known.keys?.[[...path, name].join('.')],
        ).map(asKey),
        ...(kind.replacement !== undefined && { replacement: kind.replacement }),
        keys: keyList(kind.keys, [...path, name], writer).filter(({ key }) => key !== 'Item'),
      })),
    }),
    ...(any && { any_keys: true }),
  }
}

/** An item of an array has no key of its own. */
function itemOf(schema: KeySchema, path: readonly string[], writer: Writer): TypeKey {
  return { key: '', type: schema.type, title: '', ...insideOf(schema, path, writer) }
}

function asKey({ platform, since, removed, supervised }: There): KeyThere {
  return {
    platform,
    since,
    ...(removed !== undefined && { removed }),
    ...(supervised && { supervised }),
  }
}
