import { fork } from 'node:child_process'
import { join } from 'node:path'
import { CliError } from '../error.ts'

/** The Worker, or why it cannot be built. */
export type Built = { readonly script: string } | { readonly fault: string }

/**
 * Bundles the Worker in a process that ends: what reads its sources takes 60 MB, and `npm start` runs on.
 *
 * @param projectDir the directory of wrangler.toml
 * @throws CliError when the Worker cannot be built
 */
export function bundleApart(projectDir: string): Promise<string> {
  const child = fork(join(import.meta.dirname, './send-bundle.ts'), [projectDir])
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
