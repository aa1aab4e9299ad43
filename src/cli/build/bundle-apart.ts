import { fork } from 'node:child_process'
import { join } from 'node:path'
import { CliError } from '../error.ts'
import { cached } from './cache.ts'

/** The Worker, or why it cannot be built. */
export type Built = { readonly script: string } | { readonly fault: string }

/** What is in the Worker. */
const SOURCES = ['src', 'migrations', 'package.json']

/**
 * The Worker, bundled anew when its sources have changed.
 *
 * @param projectDir the directory of wrangler.toml
 * @param sourcemap for a debugger
 * @throws CliError when the Worker cannot be built
 */
export function bundleApart(projectDir: string, sourcemap: 'inline' | false): Promise<string> {
  const name = sourcemap === false ? 'worker' : 'mapped'
  return cached(projectDir, name, SOURCES, () => bundleInChild(projectDir, String(sourcemap)))
}

/** In a process that ends: what reads the sources takes 60 MB, and `npm start` runs on. */
function bundleInChild(...args: readonly string[]): Promise<string> {
  const child = fork(join(import.meta.dirname, './send-bundle.ts'), args)
  return new Promise((resolve, reject) => {
    child.once('message', (built: Built) => {
      if ('script' in built) {
        resolve(built.script)
      } else {
        reject(new CliError(built.fault))
      }
    })
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      reject(new Error(`the process that builds the Worker ended with ${code ?? signal}`))
    })
  })
}
