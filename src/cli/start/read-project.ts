/**
 * A process that reads the project with Wrangler, sends it to its parent, and ends. Wrangler takes 130 MB of
 * memory, and `npm start` needs it only at the start.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../error.ts'
import type { Project } from './project.ts'

const [projectDir = ''] = process.argv.slice(2)
const answer = await read().catch(faultOf)
// The parent may be gone, which is no error here.
process.send?.(answer, undefined, undefined, () => process.exit())

/** Wrangler names the place of a fault apart from its message. */
function faultOf(error: unknown): string {
  const { location } = Object(error)
  const place = location ? `${location.file}:${location.line}:${location.column}: ` : ''
  return place + messageOf(error)
}

async function read(): Promise<Project> {
  process.env['WRANGLER_SEND_METRICS'] = 'false'
  // It warns of secrets that are missing in .dev.vars; ours are bindings.
  process.env['WRANGLER_LOG'] ??= 'error'
  // It reads its settings while it loads.
  const wrangler = await import('wrangler')
  const configPath = join(projectDir, 'wrangler.toml')
  const config = wrangler.unstable_readConfig({ config: configPath })
  // The files of `assets` are there after a build only, and are written when they are needed (worker.ts).
  const { workerOptions } = wrangler.unstable_getMiniflareWorkerOptions({
    ...config,
    assets: undefined,
  })
  const directory = join(projectDir, 'migrations/directory')
  const names = readdirSync(directory).filter((name) => name.endsWith('.sql'))
  const migrations = names.sort().map((name) => ({
    name,
    statements: wrangler.unstable_splitSqlQuery(readFileSync(join(directory, name), 'utf8')),
  }))
  const database = Object(workerOptions['d1Databases'])['DB']
  const databaseId: string = database?.id ?? database
  return { directory: projectDir, databaseId, workerOptions: { ...workerOptions }, migrations }
}
