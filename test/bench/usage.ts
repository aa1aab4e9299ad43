/** The use of processor, memory and files by the processes of a server, from /proc. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningServer } from '../e2e/server.ts'

const TICKS_PER_SECOND = 100
const PAGE = 4096
/** Below this share of a processor, a server counts as quiet. */
const QUIET = 0.01
/** Seconds of rest after which it counts as done, and seconds after which nothing is awaited any more. */
const REST = 5
const RESTLESS = 120

/** The processes of a server: workerd, and Node where there is one beside it. */
export interface Processes {
  readonly workerd: number
  readonly node?: number | undefined
}

export function processesOf({ state, process: { pid } }: RunningServer): Processes {
  return { workerd: workerdOf(state), node: pid }
}

/** The process id that workerd.sh has written. */
export function workerdOf(state: string): number {
  return Number(readFileSync(join(state, 'workerd.status'), 'utf8').split(' ')[0])
}

/** Seconds of processor that they have used since they started. */
export function cpuOf({ workerd, node }: Processes): number {
  return ticksOf(workerd) + (node === undefined ? 0 : ticksOf(node))
}

function ticksOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** Bytes of a process in memory. */
export function memoryOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE
}

/** How many objects of a class are in memory: each holds its database open. */
export function objectsOf(workerd: number, className: string): number {
  const files = readdirSync(`/proc/${workerd}/fd`).map((fd) => targetOf(workerd, fd))
  // `metadata.sqlite` beside them holds the alarms of all.
  return new Set(files.filter((file) => databaseOf(className).test(file))).size
}

function databaseOf(className: string): RegExp {
  return new RegExp(`-${className}/[0-9a-f]+\\.sqlite$`)
}

function targetOf(pid: number, fd: string): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`)
  } catch {
    // Closed in the meantime.
    return ''
  }
}

/** Resolves when they have done nothing for a while, or when they do not come to rest. */
export async function untilQuiet(processes: Processes): Promise<void> {
  let before = cpuOf(processes)
  for (let second = 0, rest = 0; second < RESTLESS && rest < REST; second++) {
    await sleep(1000)
    const now = cpuOf(processes)
    rest = now - before > QUIET ? 0 : rest + 1
    before = now
  }
}

/** What a server still does after the last request. */
export interface Afterwards {
  /** The last second with more than 1 % of a processor. */
  readonly quietAfter: number
  /** Seconds of processor from the third second on. */
  readonly cpu: number
}

export async function watchAfterwards(processes: Processes, seconds: number): Promise<Afterwards> {
  let quietAfter = 0
  let before = cpuOf(processes)
  let cpu = 0
  for (let second = 1; second <= seconds; second++) {
    await sleep(1000)
    const now = cpuOf(processes)
    if (now - before > QUIET) {
      quietAfter = second
    }
    if (second > 2) {
      cpu += now - before
    }
    before = now
  }
  return { quietAfter, cpu }
}
