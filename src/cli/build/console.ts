import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { build, type Metafile, type Plugin, stop as stopEsbuild } from 'esbuild'

/** The rooms of which every screen needs something. */
const CORE = ['api', 'kit', 'person', 'place', 'time'] as const

/**
 * The files of the web console: its page, and its scripts and styles with a hash in each name.
 *
 * @param projectDir the directory of wrangler.toml
 * @returns the content of each file by its name
 */
export async function buildConsole(projectDir: string): Promise<ReadonlyMap<string, string>> {
  const folder = join(projectDir, 'src/console')
  const { outputFiles, metafile } = await build({
    absWorkingDir: projectDir,
    entryPoints: [join(folder, 'main.tsx'), join(folder, 'style/console.css')],
    outbase: folder,
    outdir: 'console',
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    write: false,
    metafile: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    minify: true,
    charset: 'utf8',
    logLevel: 'silent',
    inject: ['core'],
    plugins: [coreOf(folder)],
  })
  await stopEsbuild()
  const files = outputFiles.map(({ path, text }) => [basename(path), text] as const)
  const named = (form: RegExp): string => files.find(([name]) => form.test(name))?.[0] ?? ''
  const main = named(/^main-.*\.js$/)
  const [, core = ''] = withImports(metafile, main)
  const page = readFileSync(join(folder, 'index.html'), 'utf8')
    .replace('"STYLE"', `"/console/assets/${named(/\.css$/)}"`)
    .replace('"CORE"', `"/console/assets/${core}"`)
    .replace('"SCRIPT"', `"/console/assets/${main}"`)
  return new Map([
    ['console.html', page],
    ...files.map(([name, text]) => [`console-${name}`, askAtOnce(text, metafile, core)] as const),
  ])
}

/** Asks for all files of a screen at once: each level of their imports would be one more trip. */
function askAtOnce(text: string, metafile: Metafile, core: string): string {
  return text.replaceAll(/import\("\.\/([^"]+)"\)/g, (alone, name: string) => {
    const needed = withImports(metafile, name).filter((file) => file !== core)
    const asked = needed.map((file) => `import("./${file}")`).join()
    return needed.length === 1 ? alone : `Promise.all([${asked}]).then(([all])=>all)`
  })
}

/** A file, and those that it cannot do without. */
function withImports({ outputs }: Metafile, name: string): readonly string[] {
  const found = new Set([name])
  for (const one of found) {
    for (const { path, kind } of outputs[`console/${one}`]?.imports ?? []) {
      if (kind !== 'dynamic-import') {
        found.add(basename(path))
      }
    }
  }
  return [...found]
}

/**
 * Each script imports the core first. So it is one file, which is there when a screen comes. Without it the
 * build makes a file for each set of screens that share something: a request and some hundred bytes each.
 */
function coreOf(folder: string): Plugin {
  const files = CORE.flatMap((room) =>
    readdirSync(join(folder, room)).map((name) => `import './${room}/${name}'`),
  )
  return {
    name: 'core',
    setup(building) {
      building.onResolve({ filter: /^core$/ }, ({ path }) => ({ path, namespace: path }))
      building.onLoad({ filter: /^/, namespace: 'core' }, () => ({
        contents: [...files, "import './frame/routes.ts'"].join('\n'),
        resolveDir: folder,
      }))
    },
  }
}
