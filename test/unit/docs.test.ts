import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { SETTINGS_KNOWN } from '../../src/config/known.ts'
import { describe, expect, it } from 'vitest'

const PROJECT = join(import.meta.dirname, '../..')
const DOCS = join(PROJECT, 'docs')
const PAGES = [
  ...['README.md', 'CONTRIBUTING.md'].map((name) => join(PROJECT, name)),
  ...readdirSync(DOCS)
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(DOCS, name)),
]

/** The text without what is shown as code, in which a bracket is no link and a `#` no heading. */
function prose(page: string): string {
  return readFileSync(page, 'utf8').replaceAll(/^ *```[^]*?^ *```$/gm, '')
}

/** The anchors that GitHub makes of the headings. */
function anchorsOf(page: string): Set<string> {
  const headings = [...prose(page).matchAll(/^#+ (.*)$/gm)].map(([, text = '']) => text)
  return new Set(
    headings.map((text) =>
      text
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

it.each(PAGES.map((page) => [relative(PROJECT, page), page]))(
  '%s links only to files and headings that exist',
  (_, page) => {
    const text = prose(page).replaceAll(/`[^`\n]*`/g, 'code')
    const broken = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, link = '']) => link)
      .filter((link) => !/^https?:/.test(link))
      .filter((link) => {
        const [path = '', anchor] = link.split('#')
        const target = path === '' ? page : join(dirname(page), path)
        return !existsSync(target) || (anchor !== undefined && !anchorsOf(target).has(anchor))
      })
    expect(broken).toEqual([])
  },
)

const SOURCES = readdirSync(join(PROJECT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => join(PROJECT, 'src', name))

/** Each place that a page or a source file names in this form. */
function named(form: RegExp): string[] {
  const texts = [...PAGES, ...SOURCES].map((file) => readFileSync(file, 'utf8'))
  return texts.flatMap((text) => [...text.matchAll(form)].map(([all, part]) => part ?? all))
}

it('a file that a page or a source file names by its path exists', () => {
  const paths = named(/(?<![\w/.-])(?:docs|src|test|migrations)\/[\w./-]+\.(?:md|ts|json|sql)\b/g)
  expect(paths.filter((path) => !existsSync(join(PROJECT, path)))).toEqual([])
})

it('a script that a page or a source file names exists', () => {
  const { scripts } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'))
  const names = named(/\bnpm run ([\w:-]+)/g)
  expect(names.filter((name) => !Object.hasOwn(scripts, name))).toEqual([])
})

describe('each setting that the server reads', () => {
  const names = named(/\b(?:attempt(?:<[^()]*>)?\(\s*|setting\(vars, )'([A-Z][A-Z_]+)'/g)

  it('is in docs/settings.md', () => {
    const page = readFileSync(join(DOCS, 'settings.md'), 'utf8')
    expect(names.length).toBeGreaterThan(30)
    expect(names.filter((name) => !page.includes(name))).toEqual([])
  })

  it('is passed through by npm start, except for facts of its own push certificate and its own keys', () => {
    const source = readFileSync(join(PROJECT, 'src/cli/settings.ts'), 'utf8')
    const ofStart = new Map(SETTINGS_KNOWN.map(([name, , , facts]) => [name, facts?.ofStart]))
    const missing = names.filter((name) => ofStart.get(name) && !source.match(`\\b${name}:`))
    expect(missing.toSorted()).toEqual([
      'PUSH_CERTIFICATE_ID',
      'PUSH_TOPIC',
      'SETUP_CODE',
      'SETUP_CODE_HASH',
    ])
  })
})

interface Operation {
  readonly parameters?: readonly { readonly in: string; readonly name: string }[]
  readonly requestBody?: { readonly content: Record<string, { readonly schema: Schema }> }
}
interface Schema {
  readonly $ref?: string
  readonly properties?: object
}

describe('a call of /api on a page', () => {
  const { paths, components } = JSON.parse(readFileSync(join(DOCS, 'openapi.json'), 'utf8'))

  /** All that the path has. */
  function operationsOf(path: string): Operation[] {
    return Object.entries<Record<string, Operation>>(paths)
      .filter(([template]) => RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path))
      .flatMap(([, operations]) => Object.values(operations))
  }

  function keysOf({ requestBody }: Operation): string[] {
    const schema = requestBody?.content['application/json']?.schema ?? {}
    const { properties = {} }: Schema = schema.$ref
      ? components.schemas[schema.$ref.split('/').at(-1) ?? '']
      : schema
    return Object.keys(properties)
  }

  /** The keys of JSON that need not be whole, such as `{"a":…,"b":{"c":1}}`: a and b. */
  function outerKeys(json: string): string[] {
    const flat = json.slice(1, -1)
    const flatter = flat.replaceAll(/[[{][^[\]{}]*[\]}]/g, '')
    return flatter === flat
      ? [...flat.matchAll(/"(\w+)":/g)].map(([, key = '']) => key)
      : outerKeys(`{${flatter}}`)
  }

  it('has the query of its operation', () => {
    const calls = named(/(?:GET |\$URL|HOST)(\/api\/[^\s?"'`]*\?[^\s"'`]+)/g)
    expect(calls.length).toBeGreaterThan(10)
    const wrong = calls.filter((call) => {
      const [path = '', query = ''] = call.split('?')
      const known = operationsOf(path).flatMap(({ parameters = [] }) => parameters)
      return [...new URLSearchParams(query).keys()].some(
        (key) => !known.some((one) => one.in === 'query' && one.name === key),
      )
    })
    expect(wrong).toEqual([])
  })

  it('has the keys of its operation', () => {
    const form = /(?:[A-Z]+ |\$URL|HOST)(\/api\/[^\s?"'`]+)[^\s]* (?:-d ')?`?(\{".*?\})['`]/g
    const calls = PAGES.flatMap((page) => [...readFileSync(page, 'utf8').matchAll(form)])
    expect(calls.length).toBeGreaterThan(10)
    const wrong = calls.filter(([, path = '', body = '']) => {
      const known = new Set(operationsOf(path).flatMap(keysOf))
      // A command has keys of its own.
      const isCommand = known.has('request_type')
      return !isCommand && outerKeys(body).some((key) => !known.has(key))
    })
    expect(wrong.map(([all]) => all)).toEqual([])
  })
})
