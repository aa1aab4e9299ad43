import { describe, expect, it } from 'vitest'
import { EVERY_COMMAND } from '../../../../src/apple/schema.ts'
import { commandCatalogue } from '../../../../src/command-types/catalogue.ts'
import type { TypeDocument, TypeKey } from '../../../../src/command-types/document.ts'
import { buildAppleCommand } from '../../../../src/commands/apple.ts'
import type { JsonObject as ApiJson } from '../../../../src/commands/go-json.ts'
import {
  commandFrom,
  controlOf,
  type Draft,
  type DraftKeys,
} from '../../../../src/console/composer/draft.ts'
import { draftOf } from '../../../../src/console/composer/fill.ts'

/** The words that a person might type into a field. */
function typed(key: TypeKey): string {
  const listed = key.values?.[0]?.value
  if (listed !== undefined) {
    return String(listed)
  }
  if (key.type === 'data') {
    return 'AAEC'
  }
  return key.type === 'integer' ? String(key.minimum ?? 1) : 'x'.repeat(key.length ?? 3)
}

function filled(key: TypeKey, isFull: boolean): Draft {
  const { item, keys = [] } = key
  switch (controlOf(key)) {
    case 'flag':
      return false
    case 'lines':
      return item ? `${typed(item)}\n` : ''
    case 'checks':
      return (item?.values ?? []).map(({ value }) => String(value))
    case 'json':
      return '{"any": [1, "two"]}'
    case 'keys':
      // What holds nothing is not sent, and so is not there if it is needed.
      return filledKeys(keys, isFull || keys.every(({ required }) => !required))
    case 'items':
      return item ? itemsOf(item, isFull) : []
    default:
      return typed(key)
  }
}

function itemsOf(item: TypeKey, isFull: boolean): Draft[] {
  if (item.kinds) {
    return item.kinds.map((kind) => ({ Item: kind.item, ...filledKeys(kind.keys, isFull) }))
  }
  return [item.keys ? filledKeys(item.keys, isFull) : typed(item)]
}

function filledKeys(keys: readonly TypeKey[], isFull: boolean): DraftKeys {
  return Object.fromEntries(
    keys.filter(({ required }) => isFull || required).map((key) => [key.key, filled(key, isFull)]),
  )
}

function accepted(command: object): unknown {
  return buildAppleCommand({ Command: command as ApiJson }, () => 'uuid')
}

function minimal(type: TypeDocument): DraftKeys {
  const draft = filledKeys(type.keys, false)
  const one = type.keys.find(({ key }) => key === type.one_of[0])
  return one ? { ...draft, [one.key]: filled(one, false) } : draft
}

const TYPES = commandCatalogue()

describe.each(TYPES.map((type) => [type.request_type, type] as const))('%s', (_name, type) => {
  it('is accepted by the API with what it needs', () => {
    const { command, faults } = commandFrom(type, minimal(type))
    expect(faults).toEqual([])
    expect(accepted(command)).toMatchObject({ ok: true, faults: [] })
  })

  it('is accepted by the API with every key, and reads back', () => {
    const draft = filledKeys(type.keys, true)
    const { command, faults } = commandFrom(type, draft)
    expect(faults).toEqual([])
    expect(accepted(command)).toMatchObject({ ok: true, faults: [] })
    expect(Object.keys(command).toSorted()).toEqual(
      ['RequestType', ...type.keys.map(({ key }) => key)].toSorted(),
    )
    const again = draftOf(type, command)
    expect(again && commandFrom(type, again).command).toEqual(command)
  })

  it('says what it needs when nothing is filled in', () => {
    const { faults } = commandFrom(type, {})
    const needed = type.keys.filter((key) => key.required && !key.may_be_empty)
    expect(faults).toHaveLength(needed.length + (type.one_of.length > 0 ? 1 : 0))
  })
})

it('covers all 68 types, each with the keys of every command', () => {
  expect(TYPES).toHaveLength(68)
  for (const { keys } of TYPES) {
    expect(keys.map(({ key }) => key)).toEqual(expect.arrayContaining(Object.keys(EVERY_COMMAND)))
  }
})
