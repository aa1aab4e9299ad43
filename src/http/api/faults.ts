import { z } from './zod.ts'
import { didYouMean } from '../../apple/nearest.ts'

/** The fault of a value, in words for an admin. The library's words are for programmers. */

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
}
const FORMS: Readonly<Record<string, string>> = {
  base64: 'base64',
  datetime: 'a date and time, like 2026-01-31T12:00:00Z',
  url: 'a URL',
}
/** How many characters of a wrong value are shown. */
const MAX_SHOWN = 100

type Issue = Parameters<NonNullable<NonNullable<Parameters<typeof z.config>[0]>['customError']>>[0]

/** The words for an issue; for `undefined`, the library says `Invalid input`. */
export function faultOf(issue: Issue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? 'is missing'
        : `has to be ${KINDS[issue.expected] ?? issue.expected}, not ${kindOf(issue.input)}`
    case 'invalid_value':
      return `${shown(issue.input)} is not one of: ${issue.values.map(String).join(', ')}`
    case 'invalid_key':
      return 'cannot be a name here'
    case 'too_small':
      return sized(issue.origin, 'at least', issue.minimum, issue.inclusive)
    case 'too_big':
      return sized(issue.origin, 'at most', issue.maximum, issue.inclusive)
    case 'unrecognized_keys':
      return unrecognized(issue.keys, shapeOf(issue.inst))
    case 'invalid_format':
      return issue.format === 'regex'
        ? `has to match ${issue.pattern}`
        : `has to be ${FORMS[issue.format] ?? issue.format}`
    default:
      return undefined
  }
}

function sized(origin: string, bound: string, size: number | bigint, inclusive = true): string {
  const number = inclusive
    ? `${bound} ${size}`
    : `${bound === 'at least' ? 'more' : 'less'} than ${size}`
  const unit = origin === 'string' ? ' characters' : origin === 'array' ? ' items' : ''
  return unit === '' ? `has to be ${number}` : `has to have ${number}${unit}`
}

function unrecognized(keys: readonly string[], known: readonly string[]): string {
  const named = keys.map((key) => `"${key}"${didYouMean(key, known)}`).join(', ')
  return `Unrecognized key${keys.length > 1 ? 's' : ''}: ${named}`
}

/** The names that a strict object has. */
function shapeOf(inst: unknown): readonly string[] {
  return inst instanceof z.ZodObject ? Object.keys(inst.shape) : []
}

function kindOf(value: unknown): string {
  return value === null
    ? 'null'
    : Array.isArray(value)
      ? 'a list'
      : (KINDS[typeof value] ?? typeof value)
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, MAX_SHOWN)
}
