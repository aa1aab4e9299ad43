import { readdirSync, readFileSync } from 'node:fs'
import { dirname, extname, join, relative } from 'node:path'
import { expect, it } from 'vitest'

const PROJECT = join(import.meta.dirname, '../..')
const MAX_LINES = 300
const MAX_WIDTH = 110
const MOST_FILES = 14
const EXPORTED =
  /^export (?:abstract )?(?:async )?(?:function\*?|const|let|class|interface|type|enum) (\w+)/gm
/** In brackets, so that this file does not find itself. */
const AVOIDED = /\b(no[b]ody|who[e]ver)\b/i

/** The files below folders, without generated data. */
function filesIn(...folders: readonly string[]): string[] {
  return folders
    .flatMap((folder) =>
      readdirSync(join(PROJECT, folder), { recursive: true, withFileTypes: true }),
    )
    .filter((entry) => entry.isFile() && extname(entry.name) !== '.json')
    .map(({ parentPath, name }) => relative(PROJECT, join(parentPath, name)))
    .toSorted()
}

const linesOf = (file: string): string[] =>
  readFileSync(join(PROJECT, file), 'utf8').trimEnd().split('\n')

const SOURCES = filesIn('src')

/** The places of lines to which something applies, `file:line`. */
function placesOf(files: readonly string[], applies: (line: string) => boolean): string[] {
  return files.flatMap((file) =>
    linesOf(file).flatMap((line, n) => (applies(line) ? [`${file}:${n + 1}`] : [])),
  )
}

it(`a file of src has at most ${MAX_LINES} lines`, () => {
  const long = SOURCES.map((file) => [file, linesOf(file).length] as const)
  expect(long.filter(([, lines]) => lines > MAX_LINES)).toEqual([])
})

it(`a line of src and of the linter’s rooms has at most ${MAX_WIDTH} characters`, () => {
  expect(
    placesOf([...SOURCES, ...filesIn('test/lint')], ({ length }) => length > MAX_WIDTH),
  ).toEqual([])
})

it(`a folder of src has 2 to ${MOST_FILES} files`, () => {
  const folders = Map.groupBy(SOURCES, dirname)
  const wrong = [...folders].filter(([, { length }]) => length > MOST_FILES || length < 2)
  expect(wrong.map(([folder, { length }]) => [folder, length])).toEqual([])
})

/**
 * The console is a program of browsers: it imports nothing of the rest, and its parts have plain names. Parts of
 * two screens may have the same one.
 */
const AREA = /^src\/console\/screens\/(\w+)\//
const ofConsole = SOURCES.filter((file) => file.startsWith('src/console/'))
const shared = ofConsole.filter((file) => !AREA.test(file))
const areas = Map.groupBy(ofConsole, (file) => AREA.exec(file)?.[1])

const programs: readonly (readonly [program: string, files: readonly string[]])[] = [
  ['src', SOURCES.filter((file) => !file.startsWith('src/console/'))],
  ...[...areas].map(
    ([area = 'the console', files]) => [area, [...new Set([...shared, ...files])]] as const,
  ),
]

it.each(programs)('a name that %s exports is defined in one file', (_program, sources) => {
  const definers = new Map<string, Set<string>>()
  for (const file of sources) {
    for (const [, name = ''] of linesOf(file).join('\n').matchAll(EXPORTED)) {
      definers.set(name, (definers.get(name) ?? new Set()).add(file))
    }
  }
  expect(definers.size).toBeGreaterThan(50)
  const twice = [...definers].filter(([, files]) => files.size > 1)
  expect(twice.map(([name, files]) => [name, ...files])).toEqual([])
})

it('a sentence has a subject that a reader can picture', () => {
  const files = filesIn('src', 'docs', 'test').filter((file) => !file.startsWith('test/vectors/'))
  expect(placesOf(files, (line) => AVOIDED.test(line))).toEqual([])
})
