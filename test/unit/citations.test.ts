/** A reason names what a reader can open: a section of docs/, a file of this repository, or a public source. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { expect, it } from 'vitest'

const PROJECT = join(import.meta.dirname, '../..')
const PLACES = ['src', 'test', 'migrations', 'docs', '.ci', '.config']
const SINGLE = ['README.md', 'CONTRIBUTING.md', 'wrangler.toml', 'package.json']
const MADE = /(^|\/)(node_modules|results)\//
const DATA = /(^|\/)(vectors|meta)\//

/** Files of others that comments and pages may name. */
const ELSEWHERE: ReadonlySet<string> = new Set([
  // github.com/apple/device-management
  'com.apple.mdm.yaml',
  // `npm run deploy` keeps them with a deployment.
  'secrets.json',
  'settings.toml',
  'deployment.json',
  'wrangler.json',
])

const FILES = [...PLACES.filter(isThere).flatMap(filesIn), ...SINGLE.filter(isThere)]
const NAMES: ReadonlySet<string> = new Set(FILES.map((name) => basename(name)))

function isThere(path: string): boolean {
  return existsSync(join(PROJECT, path))
}

function filesIn(place: string): string[] {
  return readdirSync(join(PROJECT, place), { recursive: true, encoding: 'utf8' })
    .map((name) => join(place, name))
    .filter((name) => !MADE.test(name) && statSync(join(PROJECT, name)).isFile())
}

/** What is written for readers: the whole of a page, the comments of source. */
interface Written {
  readonly file: string
  readonly isPage: boolean
  readonly text: string
}

const WRITTEN: readonly Written[] = FILES.filter(
  (file) => !DATA.test(file) && /\.(md|ts|toml|sql|sh)$|\/run$/.test(file),
).map((file) => {
  const text = readFileSync(join(PROJECT, file), 'utf8')
  const isPage = file.endsWith('.md')
  return { file, isPage, text: isPage ? text : commentsOf(file, text) }
})

/** A citation may be broken between two lines of a comment, so they are one text. */
function commentsOf(file: string, text: string): string {
  const form = file.endsWith('.ts') ? /\/\*[^]*?\*\/|(?<=^|\s)\/\/.*/gm : /(?<=^|\s)(?:#|--).*/gm
  return (text.match(form) ?? []).join('\n').replaceAll(/\n\s*(?:\*|\/\/|#)\s/g, ' ')
}

/** The faults of each text, with its file. */
function faults(look: (written: Written) => readonly string[]): string[] {
  return WRITTEN.flatMap((written) => look(written).map((fault) => `${written.file}: ${fault}`))
}

/** The parts of each match. */
function found(text: string, form: RegExp): string[][] {
  return [...text.matchAll(form)].map((match) => [...match].map((part) => part ?? ''))
}

function headingsOf(page: string): string[] {
  const text = isThere(page) ? readFileSync(join(PROJECT, page), 'utf8') : ''
  return found(text, /^#+ (.*)$/gm).map(([, heading = '']) => heading)
}

it('each numbered section that is cited is there', () => {
  const wrong = faults(({ file, isPage, text }) => {
    const others = found(text, /(docs\/[\w-]+\.md)`? ((?:(?:,? and |, )?§\d+)+)/g)
    const own = isPage ? found(text, /\((§\d+)\)/g) : []
    return [...others, ...own.map(([, number = '']) => ['', file, number])].flatMap(
      ([, page = '', numbers = '']) =>
        (numbers.match(/\d+/g) ?? [])
          .filter((number) => !headingsOf(page).some((one) => one.startsWith(`${number}. `)))
          .map((number) => `${page} §${number}`),
    )
  })
  expect(wrong).toEqual([])
})

it('a link that names a section’s number leads to that section', () => {
  const wrong = faults(({ text }) =>
    found(text, /\[[^\]]*§(\d+)\]\([\w./-]*#(\d+)?[^)]*\)/g)
      .filter(([, named, target]) => named !== target)
      .map(([all = '']) => all),
  )
  expect(wrong).toEqual([])
})

it('each heading that is cited in quotation marks is there', () => {
  const wrong = faults(({ text }) =>
    found(text, /(docs\/[\w-]+\.md)\s?[,(]\s?["“]([^"”]+)["”]/g)
      .filter(([, page = '', heading = '']) => !headingsOf(page).includes(heading))
      .map(([all = '']) => all),
  )
  expect(wrong).toEqual([])
})

it('a section’s number in a comment stands behind a page of docs/ or a public standard', () => {
  const source = /(docs\/[\w-]+\.md`?|RFC \d+\w*|X\.\d+|XML 1\.0|SP 800-\w+) $/
  const wrong = faults(({ isPage, text }) =>
    isPage
      ? []
      : found(text, /([^§]{0,30})(§[\d.–]*\d(?:(?:,|,? and) §[\d.–]*\d)*)/g)
          .filter(([, before = '']) => !source.test(before))
          .map(([, before = '', number = '']) => before + number),
  )
  expect(wrong).toEqual([])
})

it('an issue in a comment is named with its repository, owner included', () => {
  const wrong = faults(({ isPage, text }) =>
    isPage ? [] : found(text, /(?<![\w/.-])[a-z][\w.-]*#\d+/g).map(([all = '']) => all),
  )
  expect(wrong).toEqual([])
})

it('each file that a comment or a page names is there', () => {
  const form =
    /(?<![\w/.:@%<>…*{}$-])((?:[\w.-]+\/)*[\w.-]*\w\.(?:md|ts|json|toml|ya?ml|sql))\b(?![\w/(-])/g
  const isHere = (name: string): boolean =>
    name.includes('/') ? FILES.some((file) => `/${file}`.endsWith(`/${name}`)) : NAMES.has(name)
  const wrong = faults(({ file, text }) =>
    found(text.replaceAll(/https?:\/\/\S+|github\.com\/\S+/g, ''), form)
      .map(([, name = '']) => name)
      .filter((name) => !isHere(name) && !isThere(name) && !isThere(join(dirname(file), name)))
      .filter((name) => !ELSEWHERE.has(basename(name))),
  )
  expect(wrong).toEqual([])
})

it('the files of others are named somewhere, and are not here', () => {
  const all = WRITTEN.map(({ text }) => text).join('\n')
  expect([...ELSEWHERE].filter((name) => !all.includes(name) || NAMES.has(name))).toEqual([])
})
