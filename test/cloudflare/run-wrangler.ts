import { execFile } from 'node:child_process'
import { join } from 'node:path'
import type { Cloudflare } from './cloudflare.ts'

const PROJECT = join(import.meta.dirname, '../..')
const WRANGLER = join(PROJECT, 'node_modules/wrangler/bin/wrangler.js')

export interface WranglerRun {
  readonly code: number
  readonly stdout: string
  /** Both channels. */
  readonly output: string
}

interface Place {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Instead of the project's own. */
  readonly program?: string
}

/** The project's own wrangler, without a terminal, in `cwd`. */
export function runWrangler(
  { env }: Cloudflare,
  args: readonly string[],
  { cwd = PROJECT, env: more = {}, program = WRANGLER }: Place = {},
): Promise<WranglerRun> {
  return new Promise((resolve) => {
    const options = { cwd, env: { ...env, ...more }, maxBuffer: 16_000_000 }
    const child = execFile(
      process.execPath,
      [program, ...args],
      options,
      (error, stdout, stderr) => {
        const code = error === null ? 0 : Number(error.code ?? 1)
        resolve({ code, stdout, output: stdout + stderr })
      },
    )
    child.stdin?.end()
  })
}
