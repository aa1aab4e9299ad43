import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const API = join(import.meta.dirname, '../../../../src/http/api')

interface Statement {
  readonly text: string
  /** The name of a constant that other files do not use. */
  readonly name: string | undefined
}

/** The statements of a formatted file: each begins in the first column, and so does its last bracket. */
function statementsOf(source: string): Statement[] {
  return source.split(/^(?=[a-z])/m).map((text) => ({
    text: text.replace(/\n(\n|\/\*\*|\/\/)[^]*$/, ''),
    name: /^const (\w+)/.exec(text)?.[1],
  }))
}

/** The constants above a statement that it uses, directly or through others. */
function constantsOf(statement: Statement, all: readonly Statement[]): Statement[] {
  const above = all.slice(0, all.indexOf(statement))
  const used = above.filter(({ name }) => name && statement.text.match(`\\b${name}\\b(?!:)`))
  return [...new Set(used.flatMap((one) => [one, ...constantsOf(one, above)]))]
}

/**
 * The lines of each operation: its call, and the schemas and examples that it alone uses. A schema with a name in the
 * document is a thing of the API, and counts for no operation. A loop over a table declares several operations.
 */
function operationsOf(path: string): [id: string, lines: number][] {
  const all = statementsOf(readFileSync(path, 'utf8'))
  const operations = all
    .filter(({ text }) => text.includes('.openapi(\n'))
    .filter(({ text }) => /^(?:for |\w+\.openapi\()/.test(text))
    .map((one) => ({ one, constants: constantsOf(one, all) }))
  return operations.map(({ one, constants }) => {
    const own = constants.filter(
      (constant) =>
        !/\.openapi\('/.test(constant.text) &&
        operations.every((other) => other.one === one || !other.constants.includes(constant)),
    )
    const texts = [one, ...own].map(({ text }) => text.trim())
    const count = texts.join('\n').match(/\boperationId: '/g)?.length ?? 1
    const lines = texts.reduce((sum, text) => sum + text.split('\n').length, 0) / count
    return [/operation\(\s*'?(\w+)/.exec(one.text)?.[1] ?? path, Math.ceil(lines)]
  })
}

it('declares each operation in at most 60 lines, with the schemas that it alone has', () => {
  const operations = globSync(`${API}/**/*.ts`).flatMap(operationsOf)
  expect(operations.length).toBeGreaterThan(50)
  expect(operations.filter(([, lines]) => lines > 60)).toEqual([])
})
