import { fork } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { cached } from '../build/cache.ts'
import { CliError } from '../error.ts'
import type { Migration } from './migrations.ts'

/** What wrangler.toml and the migrations say. */
export interface Project {
  /** The options of Miniflare that follow from wrangler.toml. */
  readonly workerOptions: Record<string, unknown>
  readonly directory: string
  /** What Miniflare calls the D1. */
  readonly databaseId: string
  readonly migrations: readonly Migration[]
}

/**
 * @param projectDir the directory of wrangler.toml and the migrations
 * @throws CliError when Wrangler cannot read it
 */
export function readProject(projectDir: string): Promise<Project> {
  const read = (): Promise<Project> => readInChild(projectDir)
  return hasOtherSettings(projectDir)
    ? read()
    : cached(projectDir, 'project', ['wrangler.toml', 'migrations', 'src/cli/start'], read)
}

/** Wrangler reads secrets from these files, which belong into no other file, and settings of its own. */
function hasOtherSettings(projectDir: string): boolean {
  return (
    ['.dev.vars', '.env', '.env.local'].some((name) => existsSync(join(projectDir, name))) ||
    Object.keys(process.env).some((name) => name.startsWith('CLOUDFLARE_'))
  )
}

/** In a process of its own (`read-project.ts`), which ends. */
function readInChild(projectDir: string): Promise<Project> {
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
