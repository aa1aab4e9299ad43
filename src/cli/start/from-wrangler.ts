import { fork } from 'node:child_process'
import { join } from 'node:path'
import { CliError } from '../error.ts'
import type { BundleConfig } from './bundle.ts'
import type { Migration } from './migrations.ts'

/** What a Worker on this machine needs of wrangler.toml and the migrations. */
export interface FromWrangler {
  /** Miniflare's. */
  readonly workerOptions: Record<string, unknown>
  readonly bundle: BundleConfig
  readonly migrations: readonly Migration[]
}

/** @param projectDir the directory of wrangler.toml and the migrations */
export function readWithWrangler(projectDir: string): Promise<FromWrangler> {
  const child = fork(join(import.meta.dirname, './wrangler.ts'), [projectDir], {
    serialization: 'advanced',
  })
  return new Promise((resolve, reject) => {
    child.once('message', (message: FromWrangler | string) => {
      if (typeof message === 'string') {
        reject(new CliError(`Wrangler cannot read the project: ${message}`))
      } else {
        resolve(message)
      }
    })
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      reject(new Error(`Wrangler ended with ${code ?? signal}`))
    })
  })
}
