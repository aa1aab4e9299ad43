import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { expect, it } from 'vitest'

const PROJECT = join(import.meta.dirname, '../..')
const DOCS = join(PROJECT, 'docs')
const PAGES = [
  join(PROJECT, 'README.md'),
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
  '%s links only to what is there',
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

it('a file that a page or a source file names by its path is there', () => {
  const paths = named(/(?<![\w/.-])(?:docs|src|test|migrations)\/[\w./-]+\.(?:md|ts|json|sql)\b/g)
  expect(paths.filter((path) => !existsSync(join(PROJECT, path)))).toEqual([])
})

it('a script that a page or a source file tells to run is there', () => {
  const { scripts } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'))
  const names = named(/\bnpm run ([\w:-]+)/g)
  expect(names.filter((name) => !Object.hasOwn(scripts, name))).toEqual([])
})
