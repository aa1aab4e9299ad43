/** The checks of `npm run doctor` as a step of a deploy (docs/doctor.md). */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { CliError } from '../error.ts'
import type { Environment } from '../settings.ts'
import { SECRET_NAMES } from './config.ts'

/** A result of one check. */
export interface DoctorFinding {
  readonly number: number
  readonly id: string
  readonly title: string
  readonly level: 'ok' | 'warn' | 'fail' | 'skip'
  readonly seen: string
  readonly fix?: string
}

export interface Examination {
  /** An origin. */
  readonly url: string
  /** Without one, only the checks from outside run. */
  readonly apiKey: string | undefined
  readonly env: Environment
}

export type CallDoctor = (examination: Examination) => Promise<readonly DoctorFinding[]>

const PROGRAM = join(import.meta.dirname, '../doctor/doctor.ts')

/** Runs the doctor in a process of its own. @throws CliError when its checks did not run */
export const callDoctor: CallDoctor = async ({ url, apiKey, env }) => {
  const kept = Object.entries(env).filter(([name]) => !SECRET_NAMES.includes(name))
  const child = spawn(process.execPath, [PROGRAM, '--server', url, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...Object.fromEntries(kept), ...(apiKey === undefined ? {} : { API_KEY: apiKey }) },
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  // The exit code counts the checks that failed. Without results, none ran.
  if (!stdout.startsWith('[')) {
    const line = stderr.split('\n').find((text) => /^doctor:|^\w*Error\b/.test(text))
    throw new CliError(`the doctor did not run: ${line ?? 'it printed nothing'}`)
  }
  return JSON.parse(stdout)
}

/**
 * What a user has to see, and how many checks failed. A server that waits for its owner has no fault in that.
 */
export function judgeFindings(findings: readonly DoctorFinding[], waits: boolean) {
  const judged = findings.map((finding) =>
    waits && finding.id === 'reachable' && finding.level === 'fail'
      ? { ...finding, level: 'warn' as const }
      : finding,
  )
  return {
    notable: judged.filter(({ level }) => level === 'fail' || level === 'warn'),
    failed: judged.filter(({ level }) => level === 'fail').length,
  }
}
