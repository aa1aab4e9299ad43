import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeAll, expect, it } from 'vitest'
import { buildConsole } from '../../../../src/cli/build/console.ts'

/** What a browser loads, in bytes of gzip: docs/console.md. */
const MOST = { first: 40_000, chunk: 14_000, screen: 85_000, all: 190_000 }
/** `import(…)` has a bracket: such a file is loaded when its screen is opened. */
const IMPORTED = /(?:from|import) ?"\.\/([^"]+)"/g
const OPENED = /import\("\.\/([^"]+)"\)/g
const PREFIX = 'console-'

let files: ReadonlyMap<string, string>
beforeAll(async () => {
  files = await buildConsole(join(import.meta.dirname, '../../../..'))
})

const sizeOf = (name: string): number => gzipSync(files.get(name) ?? '', { level: 9 }).length
const sum = (names: readonly string[]): number =>
  names.reduce((total, name) => total + sizeOf(name), 0)

const namesIn = (file: string, form: RegExp): string[] =>
  [...(files.get(file) ?? '').matchAll(form)].map(([, name]) => PREFIX + name)

/** These files, and those that they cannot do without. */
function withImports(names: readonly string[]): string[] {
  const found = new Set<string>()
  for (const todo = [...names]; todo.length > 0;) {
    const name = todo.pop() ?? ''
    if (!found.has(name)) {
      found.add(name)
      todo.push(...(name.endsWith('.js') ? namesIn(name, IMPORTED) : []))
    }
  }
  return [...found]
}

/** The files that the page loads before it shows anything. */
const firstLoad = (): string[] =>
  withImports(namesIn('console.html', /"\/console\/assets\/([^"]+)"/g))

it('the page names its script and its style, and both are there', () => {
  expect(firstLoad().filter((name) => !files.has(name))).toEqual([])
  expect(firstLoad().filter((name) => name.endsWith('.css'))).toHaveLength(1)
})

it('the page names each script that its first load needs, so that none waits for another', () => {
  const named = namesIn('console.html', /"\/console\/assets\/([^"]+)"/g)
  expect(named.toSorted()).toEqual(firstLoad().toSorted())
})

it(`the first load is at most ${MOST.first / 1000} kB`, () => {
  expect(sum(firstLoad())).toBeLessThanOrEqual(MOST.first)
})

it(`each further file is at most ${MOST.chunk / 1000} kB, and all together ${MOST.all / 1000} kB`, () => {
  const names = [...files.keys()].filter((name) => name !== 'console.html')
  const further = names.filter((name) => !firstLoad().includes(name))
  expect(further.length).toBeGreaterThan(3)
  const large = further.filter((name) => sizeOf(name) > MOST.chunk)
  expect(large.map((name) => [name, sizeOf(name)])).toEqual([])
  expect(sum(names)).toBeLessThanOrEqual(MOST.all)
})

it(`a first visit of any screen loads at most ${MOST.screen / 1000} kB`, () => {
  const screens = firstLoad().flatMap((name) => namesIn(name, OPENED))
  expect(screens.length).toBeGreaterThan(10)
  const visits = screens.map((name) => [name, sum(withImports([...firstLoad(), name]))] as const)
  expect(visits.filter(([, bytes]) => bytes > MOST.screen)).toEqual([])
})

it('all files of a screen are asked for at once', () => {
  const first = firstLoad()
  const asked = first.flatMap((name) => [
    ...(files.get(name) ?? '').matchAll(/Promise\.all\(\[(import\([^\]]+)\]/g),
  ])
  expect(asked.length).toBeGreaterThan(10)
  for (const [, imports = ''] of asked) {
    const together = [...imports.matchAll(OPENED)].map(([, name]) => PREFIX + name)
    const needed = withImports(together.slice(0, 1)).filter((name) => !first.includes(name))
    expect(together.toSorted()).toEqual(needed.toSorted())
  }
})

it('nothing in the files writes HTML, runs text or names another origin', () => {
  const scripts = [...files].filter(([name]) => name.endsWith('.js'))
  for (const [name, text] of scripts) {
    expect(text, name).not.toMatch(/\beval\(|new Function|document\.write/)
  }
  const origins = scripts.flatMap(([, text]) => text.match(/https?:\/\/[\w.-]+/g) ?? [])
  const links = new Set([
    'http://www.w3.org',
    'https://maps.apple.com',
    'https://business.apple.com',
  ])
  expect([...new Set(origins)].filter((origin) => !links.has(origin))).toEqual([])
})
