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
 * Measured as the growth of workerd's resident memory, the JavaScript heap included: 0.39 MB for each of
 * 1,355 objects with a queued command, and 0.42 MB for each of 2,600 that came and went for ten minutes
 * (workerd 1.20261117).
 */
const MEMORY_OF_OBJECT = 400_000
/**
 * An object without a place stays for ten seconds. Under load so many are in memory beside the resident ones,
 * and they get this share of it at the most.
 */
const PASSING_OBJECTS = 2000
const PASSING_SHARE = 0.6

/**
 * The shares of the open files. The rest is for devices that connect by themselves: beyond the resident
 * objects, each holds its files for ten seconds.
 */
const RESIDENT_SHARE = 0.4
const BURST_SHARE = 0.3

/** How many devices a job may wake within ten seconds. */
export function jobBurst(): number {
  return Math.max(1, objectsWithin(BURST_SHARE))
}

/** How many device objects may stay, if objects may take so much memory. */
export function residentObjects(memory = quarterOfMachine()): number {
  const objects = memory / MEMORY_OF_OBJECT
  const resident = Math.floor(objects - Math.min(PASSING_OBJECTS, objects * PASSING_SHARE))
  return Math.max(1, Math.min(resident, objectsWithin(RESIDENT_SHARE)))
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
