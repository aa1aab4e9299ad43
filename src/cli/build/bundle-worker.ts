import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { build, type Plugin } from 'rolldown'
import { CliError, messageOf } from '../error.ts'
import { wordless } from './wordless.ts'

/**
 * Libraries import these files, and the Worker never calls them: zod's writer of JSON schemas (5 KB of gzip),
 * its search for values that hold themselves (1 KB) and its English texts (1 KB: src/http/api/faults.ts has
 * ours), and hono's reader of forms and its host for other frameworks (1 KB). Files of src/stand-ins take
 * their places.
 */
const STAND_INS: ReadonlyMap<string, string> = new Map([
  ['../core/to-json-schema.js', 'never-called.cjs'],
  ['../core/json-schema-processors.js', 'never-called.cjs'],
  ['./memoizer.js', 'no-memoizer.ts'],
  ['../locales/en.js', 'no-texts.ts'],
  ['./utils/body.js', 'never-called.cjs'],
  ['./utils/mount.js', 'never-called.cjs'],
])

/** Where wrangler.toml expects the Worker. */
export const BUNDLE = 'dist/index.js'

/**
 * The Worker in one module, for `npm start` and for `wrangler deploy`, which makes it smaller still. Rolldown
 * leaves out more than esbuild does: the Worker is smaller by 10 KB of gzip. Names stay, for traces.
 *
 * @param projectDir the directory of wrangler.toml
 * @param sourcemap in the module, which is five times as large with it
 * @throws CliError with the place of a fault
 */
export async function bundleWorker(
  projectDir: string,
  sourcemap: 'inline' | false = 'inline',
): Promise<string> {
  const {
    output: [{ code }],
  } = await build({
    cwd: projectDir,
    input: join(projectDir, 'src/index.ts'),
    write: false,
    platform: 'neutral',
    resolve: {
      conditionNames: ['workerd', 'worker', 'browser'],
      mainFields: ['browser', 'module', 'main'],
    },
    external: [/^cloudflare:/, /^node:/],
    // A package that is not installed would be left to the runtime, which has none.
    onLog: (_level, { code: kind, message }) => {
      if (kind === 'UNRESOLVED_IMPORT') {
        throw new Error(message)
      }
    },
    plugins: [standIns(join(projectDir, 'src/stand-ins')), wordless(join(projectDir, 'src'))],
    output: {
      file: BUNDLE,
      format: 'esm',
      sourcemap,
      minify: { compress: true, mangle: false, codegen: { removeWhitespace: false } },
    },
  }).catch((error: unknown) => {
    // It colours its words also where no terminal is.
    throw new CliError(stripVTControlCharacters(messageOf(error)))
  })
  return code
}

function standIns(directory: string): Plugin {
  return {
    name: 'stand-ins',
    resolveId(source) {
      const name = STAND_INS.get(source)
      return name === undefined ? undefined : join(directory, name)
    },
  }
}
