/**
 * `npm run bench -- --only declarations --count 10000`: a set for a whole fleet of light devices, each of
 * which synchronises as soon as it is told. With `--kill` the server dies while it tells devices, and again
 * while they report.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { enrolPaced } from './bulk.ts'
import { declareToAll, fleetStates, storeDeclarations, toldOf } from './declare.ts'
import type { Bench } from './server.ts'
import { cpuOf, memoryOf, objectsOf, processesOf, untilQuiet } from './usage.ts'

const LOOK_EVERY = 500
const CONNECTIONS = 16
/** Seconds until the bench gives up, and counts the missed ones. */
const LIMIT = 2 * 3600

/** The shares of the fleet that are told, and have reported, when the server is killed. */
const KILLS = [
  { what: 'told', share: 1 / 3 },
  { what: 'reported', share: 2 / 3 },
] as const

/** What the bench has seen of the fleet so far. */
interface Progress {
  /** When the PUT was sent. */
  readonly began: number
  told: number
  reported: number
  /** Milliseconds after the PUT. */
  readonly took: { told?: number; reported?: number }
  /** Seconds of CPU of the servers before this one, and of this one before the PUT. */
  cpu: number
  memory: number
  objects: number
}

export async function measureDeclarations(
  bench: Bench,
  { count, kill }: { readonly count: number; readonly kill: boolean },
): Promise<void> {
  await enrolPaced(bench.server(), bench.load, count, 'join')
  await storeDeclarations(bench.server())
  await untilQuiet(processesOf(bench.server()))
  const cpu = -cpuOf(processesOf(bench.server()))
  const began = performance.now()
  const progress: Progress = { began, told: 0, reported: 0, took: {}, cpu, memory: 0, objects: 0 }
  await declareToAll(bench.server())
  console.log(`the PUT of the set took ${(performance.now() - began).toFixed(0)} ms`)
  await Promise.all([watch(bench, progress, count, kill), follow(bench, progress, count, kill)])
  const { took } = progress
  const cpuUsed = progress.cpu + cpuOf(processesOf(bench.server()))
  console.log(
    `${count} devices: all told after ${seconds(took.told)}, all reported after ${seconds(took.reported)}; ` +
      `${((cpuUsed * 1000) / count).toFixed(2)} ms of CPU each; at most ${progress.objects} objects and ` +
      `${(progress.memory / 1e6).toFixed(0)} MB of workerd`,
  )
  await untilQuiet(processesOf(bench.server()))
  const tally = await bench.load.tally()
  const { state } = bench.server()
  await bench.server().stop()
  console.log(
    `the devices: ${count - tally.synchronised} missed, ${tally.toldTwice} told twice, ` +
      `${tally.tokens.length} DeclarationsToken`,
  )
  console.log(`the objects: ${countObjects(join(state, 'worker'), tally.tokens[0])}`)
}

function isOpen({ began }: Progress, done: number, count: number): boolean {
  return done < count && performance.now() - began < LIMIT * 1000
}

/** Looks at the fleet until all have reported, and kills the server meanwhile. */
async function watch(
  bench: Bench,
  progress: Progress,
  count: number,
  kill: boolean,
): Promise<void> {
  const waiting = kill ? [...KILLS] : []
  const { began } = progress
  for (let shown = began; isOpen(progress, progress.reported, count); await sleep(LOOK_EVERY)) {
    const states = await fleetStates(bench.server())
    const now = performance.now()
    progress.told = toldOf(states)
    progress.reported = states.applied
    const { workerd } = processesOf(bench.server())
    progress.memory = Math.max(progress.memory, memoryOf(workerd))
    progress.objects = Math.max(progress.objects, objectsOf(workerd, 'Device'))
    if (progress.told >= count) {
      progress.took.told ??= now - began
    }
    if (progress.reported >= count) {
      progress.took.reported ??= now - began
    }
    if (now - shown > 10_000) {
      shown = now
      console.log(`  ${progress.told} told, ${progress.reported} reported`)
    }
    const [next] = waiting
    if (next && progress[next.what] >= count * next.share) {
      waiting.shift()
      await killServer(bench, progress)
    }
  }
}

async function killServer(bench: Bench, progress: Progress): Promise<void> {
  console.log(`  kill -9 with ${progress.told} told, ${progress.reported} reported`)
  progress.cpu += cpuOf(processesOf(bench.server()))
  await bench.restart('SIGKILL')
}

/** Lets each device synchronise when it is told: the server tells them in the order of their names. */
async function follow(
  { load }: Bench,
  progress: Progress,
  count: number,
  mayFail: boolean,
): Promise<void> {
  /** @returns how many sessions failed */
  const synchronise = async (from: number, to: number): Promise<number> => {
    const run = { connections: CONNECTIONS, count: to - from, seconds: LIMIT, from, to, mayFail }
    try {
      return (await load.run({ kind: 'synchronise', ...run })).errors
    } catch (error) {
      if (!mayFail) {
        throw error
      }
      // No server listens at this moment.
      return to - from
    }
  }
  let failed = 0
  for (let done = 0; done < count;) {
    const { told } = progress
    if (told > done) {
      failed += await synchronise(done, told)
      done = told
    } else {
      await sleep(LOOK_EVERY)
    }
  }
  if (failed > 0) {
    console.log(`  ${failed} sessions failed, and are repeated`)
  }
  while (isOpen(progress, (await load.tally()).synchronised, count)) {
    await sleep(LOOK_EVERY)
    await synchronise(0, count)
  }
}

/** What the objects hold, by the files that the server left behind. */
function countObjects(worker: string, token: string | undefined): string {
  const found = { devices: 0, commandedTwice: 0, otherToken: 0, notFetched: 0 }
  for (const entry of readdirSync(worker, { recursive: true, withFileTypes: true })) {
    if (
      !entry.isFile() ||
      !/^[0-9a-f]+\.sqlite$/.test(entry.name) ||
      !/Device/.test(entry.parentPath)
    ) {
      continue
    }
    const database = new DatabaseSync(join(entry.parentPath, entry.name), { readOnly: true })
    const [row] = database
      .prepare(
        `SELECT value ->> 'token' AS token, value ->> 'seen' AS seen,
          (SELECT count(*) FROM commands WHERE source = 'declarations') AS commands
          FROM declarations WHERE name = 'manifest'`,
      )
      .all()
    database.close()
    found.devices += Number(row !== undefined)
    found.commandedTwice += Number(Number(row?.['commands']) > 1)
    found.otherToken += Number(row?.['token'] !== token)
    found.notFetched += Number(row?.['seen'] !== token)
  }
  return JSON.stringify(found)
}

function seconds(milliseconds: number | undefined): string {
  return `${((milliseconds ?? Number.NaN) / 1000).toFixed(1)} s`
}
