/**
 * The Worker checks requests by the schemas of its operations. Their words (summaries, descriptions,
 * examples) and the schemas of the answers are for the document of the API alone, which the build writes
 * (documents.ts). Without all this the Worker is smaller by 48 KB of gzip, and starts with a
 * quarter less work.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Plugin } from 'rolldown'
import { parseAst } from 'rolldown/parseAst'
import { Visitor } from 'rolldown/utils'

/** The parts of `operation(id, method, path, {…})` that no request is checked by. */
const WORDS = new Set<unknown>(['tags', 'summary', 'description', 'answers', 'problems'])

/** The kinds of expressions that the build may take for ones with an effect. */
const MADE = new Set([
  'CallExpression',
  'ObjectExpression',
  'ArrayExpression',
  'TSAsExpression',
  'TSSatisfiesExpression',
])

type Program = ReturnType<typeof parseAst>
type Call = Parameters<NonNullable<ConstructorParameters<typeof Visitor>[0]['CallExpression']>>[0]

/** Text in place of the characters from `start` to `end`. */
interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** @param src the directory of the Worker's sources */
export function wordless(src: string): Plugin {
  const api = join(src, 'http/api/')
  return {
    name: 'wordless',
    // What is loaded counts as the source: traces show its lines, which are those of the file.
    load: (path) =>
      path.startsWith(api)
        ? { code: withoutWords(readFileSync(path, 'utf8')), moduleType: 'ts' }
        : undefined,
  }
}

/** The source of a module of the API without its words. Each line keeps its number, for traces. */
export function withoutWords(source: string): string {
  const program = parseAst(source, { lang: 'ts' })
  const edits: Edit[] = unusedMayGo(program)
  new Visitor({
    CallExpression(call) {
      edits.push(...cutsOf(call))
    },
  }).visit(program)
  return edited(source, edits)
}

function cutsOf({ callee, arguments: given, end }: Call): Edit[] {
  const [first, second, , last] = given
  if (callee.type === 'MemberExpression') {
    // A route has a handler: `routes.openapi(operation(…), handler)`.
    return nameOf(callee.property) === 'openapi' && (!second || second.type === 'ObjectExpression')
      ? [cut(callee.object.end, end)]
      : []
  }
  const name = nameOf(callee)
  if (name === 'body' && first && second) {
    return [{ start: second.start, end: second.end, text: '{}' }]
  }
  return name === 'operation' && last?.type === 'ObjectExpression'
    ? last.properties.flatMap((property, index) =>
        property.type === 'Property' && WORDS.has(nameOf(property.key))
          ? [cut(property.start, last.properties[index + 1]?.start ?? last.end - 1)]
          : [],
      )
    : []
}

function nameOf(node: object): unknown {
  return 'name' in node ? node.name : undefined
}

function cut(start: number, end: number): Edit {
  return { start, end, text: '' }
}

/** Lets the build leave out a constant that nothing uses: to make one has no effect. */
function unusedMayGo({ body }: Program): Edit[] {
  const declared = body.flatMap((statement) => {
    const inner = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement
    return inner?.type === 'VariableDeclaration' ? inner.declarations : []
  })
  return declared.flatMap(({ init }) =>
    init && MADE.has(init.type)
      ? [
          { start: init.start, end: init.start, text: '/* @__PURE__ */ (() => (' },
          { start: init.end, end: init.end, text: '))()' },
        ]
      : [],
  )
}

/** An edit within another one is part of it. */
function edited(source: string, edits: readonly Edit[]): string {
  let text = ''
  let at = 0
  for (const edit of edits.toSorted(
    (one, other) => one.start - other.start || other.end - one.end,
  )) {
    if (edit.start >= at) {
      const lines = source.slice(edit.start, edit.end).replaceAll(/[^\n]/g, '')
      text += source.slice(at, edit.start) + edit.text + lines
      at = edit.end
    }
  }
  return text + source.slice(at)
}
