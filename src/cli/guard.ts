import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import { waitForEnd } from './lock.ts'

/** A program that reads until its parent ends in any way. Then it ends the workerd that the parent left. */
const WATCH = 'cat >/dev/null; read -r pid limit <"$0" && kill -9 "$pid"'

/** Prints the open files that workerd may have. */
const LIMIT = '. "$0"; ulimit -n'
/** The database of an object in memory, its log and the log's index. */
const FILES_OF_OBJECT = 3
/**
 * Measured as the growth of workerd's resident memory, the JavaScript heap included: 0.25 to 0.42 MB for each
 * of the objects that were in memory at once (workerd 1.20261117).
 */
const MEMORY_OF_OBJECT = 400_000
/** An object that has no place to stay is in memory for ten seconds. 200 a second may call. */
const PASSING_OBJECTS = 2000
/** The most of the memory that is kept for them. */
const PASSING_SHARE = 0.6

/**
 * The shares of the open files. The rest is for devices that connect by themselves: beyond the resident
 * objects, each holds its files for ten seconds.
 */
const RESIDENT_SHARE = 0.4
const BURST_SHARE = 0.3

/** How many devices a job may wake within ten seconds, if objects may take so much memory. */
export function jobBurst(memory = quarterOfMachine()): number {
  return Math.max(1, Math.min(passingObjects(memory), objectsWithin(BURST_SHARE)))
}

/** How many device objects may stay, if objects may take so much memory. */
export function residentObjects(memory = quarterOfMachine()): number {
  const resident = Math.floor(memory / MEMORY_OF_OBJECT) - passingObjects(memory)
  return Math.max(1, Math.min(resident, objectsWithin(RESIDENT_SHARE)))
}

function passingObjects(memory: number): number {
  return Math.min(PASSING_OBJECTS, Math.floor((memory * PASSING_SHARE) / MEMORY_OF_OBJECT))
}

/** A container may have less memory than its machine. */
function quarterOfMachine(): number {
  return Math.min(totalmem(), process.constrainedMemory() || Infinity) / 4
}

function objectsWithin(share: number): number {
  const script = join(import.meta.dirname, './open-files.sh')
  const limit = execFileSync('/bin/sh', ['-c', LIMIT, script], { encoding: 'utf8' }).trim()
  const files = limit === 'unlimited' ? 1e6 : Math.min(Number(limit), 1e6)
  return Math.floor((files * share) / FILES_OF_OBJECT)
}

export interface Guard {
  /** For workerd.sh. */
  environment: Record<string, string>
  command: string
  /** How many files workerd may hold open. */
  openFiles(): number
  close(): void
}

/**
 * Makes sure that workerd does not outlive this process. By itself workerd does not notice that its parent
 * was killed: it would keep the port and write to the state of the next run.
 */
export async function guardWorkerd(stateDir: string): Promise<Guard> {
  const statusFile = join(stateDir, 'workerd.status')
  const left = readStatus(statusFile)
  if (left !== undefined) {
    await waitForEnd(left.pid)
  }
  rmSync(statusFile, { force: true })
  const watcher = startWatcher(statusFile)
  return {
    environment: {
      EDGEMDM_WORKERD: workerdPath(),
      EDGEMDM_WORKERD_STATUS: statusFile,
    },
    command: join(import.meta.dirname, './workerd.sh'),
    openFiles: () => readStatus(statusFile)?.openFiles ?? Number.NaN,
    close() {
      rmSync(statusFile, { force: true })
      watcher.stdin?.end()
    },
  }
}

function startWatcher(statusFile: string): ChildProcess {
  const watcher = spawn('/bin/sh', ['-c', WATCH, statusFile], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // Ctrl-C reaches every process of the terminal's group, and this one has to end last.
    detached: true,
  })
  watcher.unref()
  return watcher
}

function readStatus(file: string): { pid: number; openFiles: number } | undefined {
  try {
    const [pid, limit] = readFileSync(file, 'utf8').trim().split(' ')
    const openFiles = limit === 'unlimited' ? Number.POSITIVE_INFINITY : Number(limit)
    // A full disk leaves the file empty.
    return pid ? { pid: Number(pid), openFiles } : undefined
  } catch {
    return undefined
  }
}

/** The workerd that miniflare would have started. */
function workerdPath(): string {
  const miniflare = createRequire(import.meta.resolve('miniflare'))
  const { default: path }: { default: string } = miniflare('workerd')
  return path
}
