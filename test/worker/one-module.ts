/**
 * The modules of `src` as one module of the tests. Workerd fetches each module from Node: for the hundreds of
 * `src` this takes longer than most tests. The one module is a file that workerd loads by itself (`modulesRules`
 * in project.ts): the plugin's own way escapes and transforms the text for each file of tests anew. In the trace
 * of an error, `src` has the names of functions, and no lines.
 *
 * Files of tests share a workerd, and each begins with new modules (setup.ts): workerd takes a file with another
 * path for another module, so there are as many links to the one file as there are files of tests.
 */
import { linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { build } from 'esbuild'
import type { Plugin } from 'vitest/config'

/** The name of the one module. */
export const ALL = 'one-module.js'

/** The number of the copy that modules load. setup.ts counts it. */
const COPY = '(globalThis.copyOfTheWorker ?? 0)'
/** It loads the copy. */
const LOADER = 'one-module'

/** Programs of Node and of browsers. The tests that import one of their modules fetch it alone. */
const ELSEWHERE = /^(?:cli|claim-page|console)\//

/** @param src the directory whose modules become one; each keeps its path and its exports */
export function oneModule(src: string): Plugin {
  let exported: ReturnType<typeof readExports> | undefined
  let written: Promise<string> | undefined
  return {
    name: 'one-module',
    enforce: 'pre',
    resolveId(id) {
      return id === LOADER ? `\0${LOADER}` : undefined
    },
    async load(id) {
      exported ??= readExports(src)
      const modules = await exported
      if (id === `\0${LOADER}`) {
        written ??= write(src, [...modules.keys()])
        return `export const all = await import(${JSON.stringify(`/@fs${await written}/`)} + ${COPY} + '/${ALL}')`
      }
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

/** Writes the one module and its copies, and answers their directory. It is there until this process exits. */
async function write(src: string, paths: readonly string[]): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'edgemdm-src-'))
  process.once('exit', () => rmSync(directory, { recursive: true }))
  const file = join(directory, ALL)
  writeFileSync(file, await bundle(src, paths))
  for (const copy of readdirSync(import.meta.dirname).keys()) {
    mkdirSync(join(directory, String(copy)))
    linkSync(file, join(directory, String(copy), ALL))
  }
  return directory
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
    `import { all } from ${JSON.stringify(LOADER)}`,
    `const { ${module} } = all`,
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
