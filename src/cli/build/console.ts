import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { build, stop as stopEsbuild } from 'esbuild'

/**
 * The files of the web console: its page, and its scripts and styles with a hash in each name.
 *
 * @param projectDir the directory of wrangler.toml
 * @returns the content of each file by its name
 */
export async function buildConsole(projectDir: string): Promise<ReadonlyMap<string, string>> {
  const folder = join(projectDir, 'src/console')
  const { outputFiles } = await build({
    absWorkingDir: projectDir,
    entryPoints: [join(folder, 'main.tsx'), join(folder, 'style/console.css')],
    outbase: folder,
    outdir: 'console',
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    minify: true,
    charset: 'utf8',
    logLevel: 'silent',
  })
  await stopEsbuild()
  const files = outputFiles.map(({ path, text }) => [basename(path), text] as const)
  const named = (form: RegExp): string => files.find(([name]) => form.test(name))?.[0] ?? ''
  const page = readFileSync(join(folder, 'index.html'), 'utf8')
    .replace('"STYLE"', `"/console/assets/${named(/\.css$/)}"`)
    .replace('"SCRIPT"', `"/console/assets/${named(/^main-.*\.js$/)}"`)
  return new Map([
    ['console.html', page],
    ...files.map(([name, text]) => [`console-${name}`, text] as const),
  ])
}
