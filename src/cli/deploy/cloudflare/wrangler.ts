import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CliError, messageOf } from '../../error.ts'
import type { Environment } from '../../settings.ts'
import type { Credentials } from './api.ts'
import { type RawConfig, SECRET_NAMES } from '../config.ts'
import { DeployStop, explainFailure } from '../failures.ts'

/** A call of the tree's own wrangler. */
export interface WranglerCall {
  readonly projectDir: string
  readonly env: Environment
  readonly args: readonly string[]
  /** With the user's terminal: for a login. */
  readonly atTerminal?: boolean
}

export interface WranglerOutcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** The lines of wrangler's output file. */
  readonly entries: readonly Readonly<Record<string, unknown>>[]
}

export type CallWrangler = (call: WranglerCall) => Promise<WranglerOutcome>

/** Runs wrangler without a terminal, so that it asks nothing. */
export const callWrangler: CallWrangler = async ({ projectDir, env, args, atTerminal }) => {
  const folder = mkdtempSync(join(tmpdir(), 'edgemdm-wrangler-'))
  const outputFile = join(folder, 'output')
  const kept = Object.entries(env).filter(([name]) => !SECRET_NAMES.includes(name))
  try {
    const program = join(projectDir, 'node_modules/wrangler/bin/wrangler.js')
    const child = spawn(process.execPath, [program, ...args], {
      cwd: projectDir,
      stdio: atTerminal === true ? 'inherit' : ['ignore', 'pipe', 'pipe'],
      env: {
        WRANGLER_SEND_METRICS: 'false',
        ...Object.fromEntries(kept),
        WRANGLER_OUTPUT_FILE_PATH: outputFile,
        NO_COLOR: '1',
        FORCE_COLOR: '0',
      },
    })
    let [stdout, stderr] = ['', '']
    child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    const code = await new Promise<number>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (status) => resolve(status ?? 1))
    })
    return { code, stdout, stderr, entries: readEntries(outputFile) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function readEntries(file: string): WranglerOutcome['entries'] {
  return existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    : []
}

/** The outcome of a call that has to succeed. @throws DeployStop with wrangler's line and a remedy */
export async function requireWrangler(
  call: CallWrangler,
  order: WranglerCall,
): Promise<WranglerOutcome> {
  const outcome = await call(order)
  if (outcome.code !== 0) {
    const { line, exit, remedy } = explainFailure(`${outcome.stderr}\n${outcome.stdout}`)
    throw new DeployStop(exit, line, remedy)
  }
  return outcome
}

/** The credentials of `wrangler login`; undefined without one. */
export async function credentialsOfLogin(
  call: CallWrangler,
  place: Pick<WranglerCall, 'projectDir' | 'env'>,
): Promise<Credentials | undefined> {
  const { code, stdout } = await call({ ...place, args: ['auth', 'token', '--json'] })
  if (code !== 0) {
    return undefined
  }
  const { token }: { token?: string } = JSON.parse(stdout)
  return token === undefined ? undefined : { authorization: `Bearer ${token}` }
}

/** Quietly: it warns of a proxy when it is loaded. It is loaded late, because `--help` does not need it. */
async function importWrangler() {
  const level = process.env['WRANGLER_LOG']
  process.env['WRANGLER_LOG'] = 'error'
  try {
    return await import('wrangler')
  } finally {
    if (level === undefined) {
      delete process.env['WRANGLER_LOG']
    } else {
      process.env['WRANGLER_LOG'] = level
    }
  }
}

/** A file in wrangler's form, TOML or JSON. @throws CliError when it cannot be read */
export async function readRawConfig(file: string): Promise<RawConfig> {
  const { experimental_readRawConfig } = await importWrangler()
  try {
    return experimental_readRawConfig({ config: file }).rawConfig
  } catch (error) {
    throw new CliError(`${file}${lineIn(error)} cannot be read: ${messageOf(error)}`)
  }
}

/** The keys that may stand at the top of a file, by the schema that wrangler brings. */
export function wranglerKeys(projectDir: string): readonly string[] {
  const file = join(projectDir, 'node_modules/wrangler/config-schema.json')
  const schema: { definitions: { RawConfig: { properties: object } } } = JSON.parse(
    readFileSync(file, 'utf8'),
  )
  return Object.keys(schema.definitions.RawConfig.properties)
}

/** Of a fault of TOML or JSON. The text of the line is not told: it may hold a password. */
function lineIn(error: unknown): string {
  const place: unknown = error instanceof Error && 'location' in error ? error.location : undefined
  const line = typeof place === 'object' && place !== null && 'line' in place ? place.line : ''
  return typeof line === 'number' ? `, line ${line},` : ''
}
