/** The tables of docs/templates.md, made from Apple's schema. */
import { declarationSchema } from '../../../src/apple/declarations.ts'
import type { Keys, KeySchema } from '../../../src/apple/schema.ts'

const HEAD = ['| key | type | values | from |', '|---|---|---|---|']

/** A page of Markdown is no place for keys that lie deeper. */
const DEPTH = 4

/** The table of the keys of a declaration type: a required key has a star. */
export function keyTable(type: string): string {
  const { keys = {} } = declarationSchema(type) ?? {}
  return [...HEAD, ...rowsOf(keys, '', 1)].join('\n')
}

/** `iOS 17.0 supervised, macOS 14.0`: where a type or key works. A managed Mac counts as supervised. */
export function platformsOf(on: string): string {
  return on
    .split(' ')
    .map((part) => /^(\w+):(\w*)@([\d.]+)/.exec(part) ?? [])
    .filter(([, , where]) => where !== '')
    .map(([, platform = '', where = '', version = '']) => {
      const isNarrow = platform !== 'macOS' && !where.includes('p')
      const channel = where.includes('d') ? '' : ' user channel'
      return `${platform} ${version}${isNarrow ? ' supervised' : ''}${channel}`
    })
    .toSorted()
    .join(', ')
}

function rowsOf(keys: Keys, above: string, depth: number): string[] {
  return Object.entries(keys).flatMap(([key, schema]) => {
    const path = above + key
    const inner = innerOf(schema)
    const star = schema.required ? ' \\*' : ''
    const cells = [`\`${path}\`${star}`, typeOf(schema), valuesOf(schema), fromOf(schema)]
    const row = `| ${cells.join(' | ')} |`.replaceAll('|  |', '| |').replaceAll('|  |', '| |')
    const suffix = schema.type === 'array' ? '[].' : '.'
    return [row, ...(inner && depth < DEPTH ? rowsOf(inner, path + suffix, depth + 1) : [])]
  })
}

function innerOf({ keys, item }: KeySchema): Keys | undefined {
  return keys ?? item?.keys
}

function typeOf({ type, item }: KeySchema): string {
  return item ? `${type} of ${item.type}` : type
}

function valuesOf({ enum: values, range, assets }: KeySchema): string {
  if (assets) {
    return `an asset: ${assets.map((one) => `\`${one}\``).join(', ')}`
  }
  return values ? values.map((one) => `\`${one}\``).join(', ') : (range?.join(' to ') ?? '')
}

function fromOf({ on }: KeySchema): string {
  if (on === undefined) {
    return ''
  }
  const gone = [...on.matchAll(/(\w+):@/g)].map(([, platform]) => `not ${platform}`)
  return [platformsOf(on), ...gone].filter((text) => text !== '').join(', ')
}
