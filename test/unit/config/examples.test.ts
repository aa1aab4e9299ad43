import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { isExample, weaknessOf } from '../../../src/config/examples.ts'

const PROJECT = join(import.meta.dirname, '../../..')
const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  '.dev.vars.example',
  ...readdirSync(join(PROJECT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]

/** The values in which a page gives a key or a code to its reader: in a setting, a flag or a user and password. */
const GIVEN =
  /(?:\b(?:API_KEY|SETUP_CODE)(?:_PREVIOUS)?(?:=|["'`]?: ?(?=["'`]))|--api-key[ =]|"api_key": ?|\b(?:micromdm|nanomdm|kmfddm|nanohub):)["'`]?(?!emk_)(\w[\w.+/=-]*)/g

it('a key or a code that stands on one of our pages is an example', () => {
  const values = PAGES.filter((page) => existsSync(join(PROJECT, page))).flatMap((page) =>
    Array.from(
      readFileSync(join(PROJECT, page), 'utf8').matchAll(GIVEN),
      ([, value = '']) => [page, value] as const,
    ),
  )
  expect(values.length).toBeGreaterThan(0)
  expect(values.filter(([, value]) => !isExample(value))).toEqual([])
})

it.each(['changeme', 'Secret', 'MySecretAPIKey', 'micromdm', 'API_KEY'])(
  '%s is an example',
  (value) => {
    expect(isExample(value)).toBe(true)
    expect(weaknessOf(value)).toBe('is an example of the documentation')
  },
)

it.each([
  ['abcdefghijklmnopqrs', 'has fewer than 20 characters'],
  ['abcdefghiabcdefghiabcdefghi', 'has fewer than 10 different characters'],
  ['12345678901234567890', 'repeats a shorter text'],
  ['abcdefghij-abcdefghij', undefined],
])('a code such as %s: %s', (code, weakness) => {
  expect(weaknessOf(code)).toBe(weakness)
})
