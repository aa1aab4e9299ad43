import { join } from 'node:path'
import type { Plugin } from 'esbuild'
import { bundle } from './bundle.ts'
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
 * The Worker in one module, for `npm start` and for `wrangler deploy`, which makes it smaller still.
 *
 * @param projectDir the directory of wrangler.toml
 * @param sourcemap in the module, which is five times as large with it
 */
export function bundleWorker(
  projectDir: string,
  sourcemap: 'inline' | false = 'inline',
): Promise<string> {
  return bundle(projectDir, {
    entryPoints: [join(projectDir, 'src/index.ts')],
    outfile: join(projectDir, BUNDLE),
    sourcemap,
    plugins: [standIns(join(projectDir, 'src/stand-ins')), wordless(join(projectDir, 'src'))],
  })
}

function standIns(directory: string): Plugin {
  return {
    name: 'stand-ins',
    setup(esbuild) {
      esbuild.onResolve({ filter: /^\.\.?\// }, ({ path }) => {
        const name = STAND_INS.get(path)
        return name === undefined ? undefined : { path: join(directory, name) }
      })
    },
  }
}
