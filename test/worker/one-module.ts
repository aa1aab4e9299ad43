/**
 * The modules of `src` as one module of the tests. A test file has its own workerd, which fetches each module
 * from Node: for the hundreds of `src` this takes longer than most tests. The one module is a file that workerd
 * loads by itself (`modulesRules` in project.ts): the plugin's own way escapes and transforms the text for each
 * file of tests anew. In the trace of an error, `src` has the names of functions, and no lines.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { build } from 'esbuild'
import type { Plugin } from 'vitest/config'

/** The name of the one module. */
export const ALL = 'one-module.js'

/** Programs of Node and of browsers. The tests that import one of their modules fetch it alone. */
const ELSEWHERE = /^(?:cli|claim-page|console)\//

/** @param src the directory whose modules become one; each keeps its path and its exports */
export function oneModule(src: string): Plugin {
  let exported: ReturnType<typeof readExports> | undefined
  let written: Promise<string> | undefined
  return {
    name: 'one-module',
    enforce: 'pre',
    async resolveId(id) {
      if (id !== ALL) {
        return undefined
      }
      written ??= write(src, [...(await (exported ??= readExports(src))).keys()])
      return written
    },
    async load(id) {
      exported ??= readExports(src)
      const modules = await exported
      const path = relative(src, id)
      const names = modules.get(path)
      return names && facadeOf(nameOf(path), names)
    },
  }
}

/** The exports of each module, by its path in `src`. */
async function readExports(src: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const { metafile } = await build({
    absWorkingDir: src,
    entryPoints: ['**/*.ts'],
    outdir: src,
    write: false,
    metafile: true,
    format: 'esm',
  })
  return new Map(
    Object.values(metafile.outputs).flatMap(({ entryPoint = '', exports }) =>
      entryPoint === '' || ELSEWHERE.test(entryPoint) ? [] : [[entryPoint, exports] as const],
    ),
  )
}

/** Writes the one module, and answers its path. It is there until this process exits. */
async function write(src: string, paths: readonly string[]): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'edgemdm-src-'))
  process.once('exit', () => rmSync(directory, { recursive: true }))
  const file = join(directory, ALL)
  writeFileSync(file, await bundle(src, paths))
  return file
}

async function bundle(src: string, paths: readonly string[]): Promise<string> {
  const { outputFiles } = await build({
    stdin: {
      contents: paths.map((path) => `export * as ${nameOf(path)} from './${path}'`).join('\n'),
      resolveDir: src,
    },
    bundle: true,
    minifyWhitespace: true,
    minifySyntax: true,
    write: false,
    format: 'esm',
    target: 'esnext',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*'],
  })
  return outputFiles.map(({ text }) => text).join('')
}

/** A module that exports what the one at its path does: the same values, so its state is there once. */
function facadeOf(module: string, names: readonly string[]): string {
  return [
    `import { ${module} } from ${JSON.stringify(ALL)}`,
    ...names.map((name) =>
      name === 'default'
        ? `export default ${module}.default`
        : `export const ${name} = ${module}.${name}`,
    ),
  ].join('\n')
}

function nameOf(path: string): string {
  return `_${path.replace(/\W/g, '_')}`
}
