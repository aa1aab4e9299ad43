import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { CliError, hindranceOf, messageOf } from './error.ts'

/** Another process has the state directory. */
export class StateInUse extends CliError {}

/** SQLite's "database is locked". */
const SQLITE_BUSY = 5
const LAST_BREATH = 60_000

/**
 * Holds the state directory for this process. The lock is the kernel's, on a file, so it ends with the
 * process in every case. A process id in a file would be wrong after a reboot, when another process has the
 * number.
 *
 * @throws StateInUse, and CliError when the lock cannot be made
 */
export function lockState(directory: string): { release(): void } {
  const owner = join(directory, 'edgemdm.pid')
  const file = join(directory, 'lock.sqlite')
  let opened: DatabaseSync | undefined
  try {
    const database = new DatabaseSync(file)
    opened = database
    database.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE')
    writeFileSync(owner, `${process.pid}\n`)
    return { release: () => database.close() }
  } catch (error) {
    opened?.close()
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) {
      const by = existsSync(owner) ? ` (process ${readFileSync(owner, 'utf8').trim()})` : ''
      throw new StateInUse(`${directory} is in use by another running EdgeMDM${by}`)
    }
    throw new CliError(`cannot lock ${file}: ${hindranceOf(error) ?? messageOf(error)}`)
  }
}

/**
 * After kill -9 the old workerd ends a moment later than its owner, and writes to the same files until then.
 *
 * @throws CliError when it is still there after `patience` milliseconds
 */
export async function waitForEnd(pid: number, patience = LAST_BREATH): Promise<void> {
  const deadline = Date.now() + patience
  while (isWorkerd(pid)) {
    if (Date.now() > deadline) {
      throw new CliError(
        `process ${pid}, perhaps the workerd of an earlier run, does not end: kill -9 ${pid}`,
      )
    }
    await sleep(50)
  }
}

/** The command line decides: after a reboot another process may have the number. */
function isWorkerd(pid: number): boolean {
  try {
    return commandOf(pid).includes('workerd')
  } catch {
    return false
  }
}

function commandOf(pid: number): string {
  return existsSync('/proc/self/cmdline')
    ? readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    : execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8', stdio: 'pipe' })
}
