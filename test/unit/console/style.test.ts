import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, it } from 'vitest'

const STYLE = join(import.meta.dirname, '../../../src/console/style')
const RULE = /^([^\s{}@][^{}@]*?)\s*\{/gm
const ONE_CLASS = /^\.[\w-]+$/

it('a class has its own rules in one file of the style', () => {
  const places = new Map<string, Set<string>>()
  for (const file of globSync(join(STYLE, '*.css'))) {
    for (const [, selectors = ''] of readFileSync(file, 'utf8').matchAll(RULE)) {
      for (const selector of selectors.split(/,\s*/).filter((one) => ONE_CLASS.test(one))) {
        places.set(selector, (places.get(selector) ?? new Set()).add(basename(file)))
      }
    }
  }
  expect(places.size).toBeGreaterThan(50)
  expect([...places].filter(([, files]) => files.size > 1)).toEqual([])
})
