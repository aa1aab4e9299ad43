/** The simple predicates of activations (Apple: "ActivationSimple"). */
import type { JsonData } from './json.ts'

/** The values that a predicate compares; `undefined` for those that the device does not have. */
export interface PredicateValues {
  readonly status: (name: string) => JsonData | undefined
  readonly property: (key: string) => JsonData | undefined
}

/** True or false; `undefined` when a value is missing, or values cannot be compared. */
export type Predicate = (values: PredicateValues) => boolean | undefined

type Term = (values: PredicateValues) => JsonData | undefined
type Compare = (left: JsonData, right: JsonData) => boolean | undefined

const TOKEN = new RegExp(
  [
    /(?<extension>@(?:status|property)\([\w.-]+\))/,
    /'(?<single>(?:[^'\\]|\\.)*)'|"(?<double>(?:[^"\\]|\\.)*)"/,
    /(?<number>-?\d+(?:\.\d+)?)/,
    /(?<sign>==|!=|<>|<=|>=|&&|\|\||[=<>!(){},])/,
    /(?<word>[A-Za-z]+)/,
  ]
    .map(({ source }) => source)
    .join('|')
    .replace(/^/, String.raw`\s*(?:`)
    .replace(/$/, ')'),
  'y',
)

const ordered =
  (holds: (order: number) => boolean): Compare =>
  (left, right) => {
    const [one, other] = [comparable(left), comparable(right)]
    return typeof one === typeof other && one !== undefined && other !== undefined
      ? holds(one < other ? -1 : Number(one > other))
      : undefined
  }

const equal: Compare = (left, right) =>
  JSON.stringify(comparable(left) ?? left) === JSON.stringify(comparable(right) ?? right)

const COMPARISONS: Readonly<Record<string, Compare>> = {
  '==': equal,
  '=': equal,
  '!=': (left, right) => equal(left, right) === false,
  '<>': (left, right) => equal(left, right) === false,
  '<': ordered((order) => order < 0),
  '<=': ordered((order) => order <= 0),
  '>': ordered((order) => order > 0),
  '>=': ordered((order) => order >= 0),
  BEGINSWITH: (left, right) =>
    typeof left === 'string' && typeof right === 'string' ? left.startsWith(right) : undefined,
  CONTAINS: contains,
  IN: (left, right) => contains(right, left),
}

const CONSTANTS: Readonly<Record<string, boolean>> = {
  TRUE: true,
  YES: true,
  FALSE: false,
  NO: false,
}

/** `undefined` for a text that is no simple predicate: SUBQUERY and others are not simple. */
export function parsePredicate(text: string): Predicate | undefined {
  const tokens = tokensOf(text)
  if (tokens === undefined) {
    return undefined
  }
  const parser = { tokens, at: 0 }
  const predicate = either(parser)
  return parser.at === tokens.length ? predicate : undefined
}

interface Parser {
  readonly tokens: readonly Token[]
  at: number
}

/** A sign or a word in capitals, or a value. */
type Token = { readonly word: string } | { readonly term: Term }

function tokensOf(text: string): Token[] | undefined {
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  while (text.slice(TOKEN.lastIndex).trim() !== '') {
    const groups = TOKEN.exec(text)?.groups
    if (groups === undefined) {
      return undefined
    }
    tokens.push(tokenOf(groups))
  }
  return tokens
}

function tokenOf(groups: Readonly<Record<string, string | undefined>>): Token {
  const { extension, single, double, number, sign, word = '' } = groups
  const quoted = single ?? double
  if (extension !== undefined) {
    const [kind = '', name = ''] = extension.slice(1, -1).split('(')
    return {
      term: ({ status, property }) => (kind === 'status' ? status(name) : property(name)),
    }
  }
  if (quoted !== undefined) {
    const value = quoted.replace(/\\(.)/g, '$1')
    return { term: () => value }
  }
  if (number !== undefined) {
    return { term: () => Number(number) }
  }
  const capitals = sign ?? word.toUpperCase()
  const constant = CONSTANTS[capitals]
  return constant === undefined ? { word: capitals } : { term: () => constant }
}

/** Takes the next token if it is one of these words. */
function take(parser: Parser, ...words: readonly string[]): string | undefined {
  const token = parser.tokens[parser.at]
  if (token && 'word' in token && words.includes(token.word)) {
    parser.at++
    return token.word
  }
  return undefined
}

function either(parser: Parser): Predicate | undefined {
  return joined(parser, both, ['OR', '||'], (one, other) => one || other)
}

function both(parser: Parser): Predicate | undefined {
  return joined(parser, negated, ['AND', '&&'], (one, other) => one && other)
}

function joined(
  parser: Parser,
  part: (parser: Parser) => Predicate | undefined,
  words: readonly string[],
  join: (one: boolean, other: boolean) => boolean,
): Predicate | undefined {
  let all = part(parser)
  while (all && take(parser, ...words) !== undefined) {
    const [left, right] = [all, part(parser)]
    all =
      right &&
      ((values) => {
        const [one, other] = [left(values), right(values)]
        return one === undefined || other === undefined ? undefined : join(one, other)
      })
  }
  return all
}

function negated(parser: Parser): Predicate | undefined {
  const word = take(parser, 'NOT', '!', '(', 'TRUEPREDICATE', 'FALSEPREDICATE')
  switch (word) {
    case undefined:
      return comparison(parser)
    case '(': {
      const inner = either(parser)
      return take(parser, ')') === undefined ? undefined : inner
    }
    case 'NOT':
    case '!': {
      const inner = negated(parser)
      return (
        inner &&
        ((values) => {
          const value = inner(values)
          return value === undefined ? undefined : !value
        })
      )
    }
    default:
      return () => word === 'TRUEPREDICATE'
  }
}

function comparison(parser: Parser): Predicate | undefined {
  const left = termOf(parser)
  const compare = COMPARISONS[take(parser, ...Object.keys(COMPARISONS)) ?? '']
  const right = left && compare && termOf(parser)
  return (
    right &&
    ((values) => {
      const [one, other] = [left(values), right(values)]
      return one === undefined || other === undefined ? undefined : compare(one, other)
    })
  )
}

function termOf(parser: Parser): Term | undefined {
  const token = parser.tokens[parser.at]
  if (token && 'term' in token) {
    parser.at++
    return token.term
  }
  return take(parser, '{') === undefined ? undefined : listOf(parser)
}

function listOf(parser: Parser): Term | undefined {
  const terms: Term[] = []
  do {
    const token = parser.tokens[parser.at]
    if (!token || !('term' in token)) {
      return undefined
    }
    terms.push(token.term)
    parser.at++
  } while (take(parser, ',') !== undefined)
  return take(parser, '}') === undefined
    ? undefined
    : (values) => terms.flatMap((term) => term(values) ?? [])
}

function contains(whole: JsonData, part: JsonData): boolean | undefined {
  if (typeof whole === 'string') {
    return typeof part === 'string' ? whole.includes(part) : undefined
  }
  return Array.isArray(whole) ? whole.some((item) => equal(item, part)) : undefined
}

/** Foundation holds truth values as the numbers 1 and 0. */
function comparable(value: JsonData): number | string | undefined {
  return typeof value === 'string' ? value : typeof value === 'object' ? undefined : Number(value)
}
