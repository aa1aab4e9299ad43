/** `npm run doctor` as its own process. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { DoctorResult } from '../../../src/cli/doctor/check.ts'
import { outputOf, PROJECT, within } from '../server.ts'

export interface DoctorRun {
  readonly code: number
  readonly results: readonly DoctorResult[]
  /** The results with a number, without those that were skipped. */
  of(number: number): readonly DoctorResult[]
}

/** @param env the whole environment */
export async function runDoctor(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<DoctorRun> {
  const child = spawn(process.execPath, ['src/cli/doctor/doctor.ts', '--json', ...args], {
    cwd: PROJECT,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = outputOf(child)
  const [code] = await within(
    once(child, 'close'),
    () => `the doctor has not ended: ${output.text()}`,
  )
  const text = output.text()
  if (!text.startsWith('[')) {
    throw new Error(text)
  }
  const results: readonly DoctorResult[] = JSON.parse(text)
  return { code, results, of: (number) => results.filter((one) => one.number === number) }
}
