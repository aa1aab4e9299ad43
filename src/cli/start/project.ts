import { fork } from 'node:child_process'
import { join } from 'node:path'
import { CliError } from '../error.ts'
import type { Migration } from './migrations.ts'

/** What wrangler.toml and the migrations say. */
export interface Project {
  /** The options of Miniflare that follow from wrangler.toml. */
  readonly workerOptions: Record<string, unknown>
  readonly directory: string
  readonly migrations: readonly Migration[]
}

/**
 * Reads the project in a process of its own (`read-project.ts`).
 * @param projectDir the directory of wrangler.toml and the migrations
 * @throws CliError when Wrangler cannot read it
 */
export function readProject(projectDir: string): Promise<Project> {
  const child = fork(join(import.meta.dirname, './read-project.ts'), [projectDir], {
    serialization: 'advanced',
  })
  return new Promise((resolve, reject) => {
    child.once('message', (message: Project | string) => {
      if (typeof message === 'string') {
        reject(new CliError(`Wrangler cannot read the project: ${message}`))
      } else {
        resolve(message)
      }
    })
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      reject(new Error(`the process that reads the project ended with ${code ?? signal}`))
    })
  })
}
