/**
 * `npm run bench -- --only setups --count 1000`: devices enrol by Automated Device Enrollment, each with a
 * fault, and go through a blueprint of six steps, while the server dies twice. Afterwards each device's own
 * notes are compared with what the server says.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { joinByDep } from '../../src/simulator/dep/join.ts'
import { newKey } from '../../src/simulator/device/identity.ts'
import { chanceOf } from '../attack/fuzz/random.ts'
import { start, type RunningServer } from '../e2e/server.ts'
import { connectApple, startApple, startFiles, storeSetup, TIME_LIMIT } from './setup-scene.ts'
import { FAULTS, faultOf, setUp, type Life, type Machine, type World } from './setup-device.ts'
import { FLAWS, judge, type Outage, type Verdict } from './setup-verdict.ts'
import { cpuOf, processesOf, untilQuiet } from './usage.ts'

/** Devices that are set up at the same time, and those that call at the same time. */
const AT_ONCE = 100
const CONNECTIONS = 16
/** The shares of the fleet that are released when the server is killed. */
const KILLS = [1 / 3, 2 / 3]
const SECOND = 1000
/** Every so many devices, an admin sends a command in the middle of the setup. */
const COMMANDED = 5

interface Stage {
  server: RunningServer
  /** Seconds of processor of the servers that were killed. */
  cpu: number
  readonly outages: Outage[]
}

export async function measureSetups(
  disk: string,
  { count, seed, tree }: { readonly count: number; readonly seed: number; readonly tree: string },
): Promise<void> {
  const state = await mkdtemp(join(disk, 'edgemdm-bench-'))
  const serials = Array.from({ length: count }, (_, n) => `C02${String(n).padStart(9, '0')}`)
  const apple = await startApple(serials)
  const files = await startFiles()
  const serve = (port = '0'): Promise<RunningServer> =>
    start(state, ['--port', port], undefined, apple.env, tree)
  const stage: Stage = { server: await serve(), cpu: 0, outages: [] }
  try {
    const { url } = stage.server
    await connectApple(stage.server, apple, serials)
    await storeSetup(stage.server, files.manifest)
    await untilQuiet(processesOf(stage.server))
    stage.cpu = -cpuOf(processesOf(stage.server))
    const chance = chanceOf(seed, 0)
    const machines = serials.map((serial): Machine => ({
      serial,
      fault: faultOf(chance),
      lives: [],
    }))
    const world = {
      join: joinByDep({ fetch, server: url, activate: (serial) => apple.dep.activate(serial) }),
      key: newKey('rsa'),
      chance,
      inTurn: limited(CONNECTIONS),
      began: commander(stage),
    }
    const began = performance.now()
    const restart = () => serve(new URL(url).port)
    await Promise.all([runAll(machines, world), killTwice(stage, machines, restart)])
    const cpu = stage.cpu + cpuOf(processesOf(stage.server))
    const seconds = (performance.now() - began) / SECOND
    console.log(
      `${count} devices in ${seconds.toFixed(0)} s, ${AT_ONCE} at once, seed ${seed}: ` +
        `${((cpu * SECOND) / count).toFixed(0)} ms of CPU each, their enrolments included`,
    )
    await tell(stage, machines, world)
  } finally {
    await stage.server.stop('SIGKILL')
    files.close()
    await apple.close()
    await rm(state, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function runAll(machines: readonly Machine[], world: World): Promise<void> {
  const waiting = machines.values()
  await Promise.all(
    Array.from({ length: AT_ONCE }, async (_, lane) => {
      // Not all at the same moment.
      await sleep(lane * 200)
      for (const machine of waiting) {
        await setUp(machine, world)
      }
    }),
  )
}

/** Calls run, and so many at the same time. */
function limited(most: number): World['inTurn'] {
  const waiting: (() => void)[] = []
  let free = most
  return async (call) => {
    if (free === 0) {
      await new Promise<void>((resolve) => waiting.push(resolve))
    } else {
      free -= 1
    }
    try {
      return await call()
    } finally {
      const next = waiting.shift()
      if (next) {
        next()
      } else {
        free += 1
      }
    }
  }
}

/** An admin's command for some devices: it has to wait for the end of the setup. */
function commander(stage: Stage): (life: Life) => Promise<void> {
  let lives = 0
  return async ({ udid }) => {
    lives += 1
    if (lives % COMMANDED === 0) {
      const command = { udid, request_type: 'ProfileList' }
      const { status } = await stage.server.api('POST', '/v1/commands', command)
      if (status !== 201) {
        throw new Error(`POST /v1/commands: ${status}`)
      }
    }
  }
}

async function killTwice(
  stage: Stage,
  machines: readonly Machine[],
  restart: () => Promise<RunningServer>,
): Promise<void> {
  const waiting = [...KILLS]
  const released = (): number =>
    machines.filter(({ lives }) => (lives.at(-1)?.releasedAt ?? 0) > 0).length
  for (let shown = 0; waiting.length > 0; await sleep(SECOND / 2)) {
    if (Date.now() - shown > 20 * SECOND) {
      shown = Date.now()
      console.log(`  ${released()} released`)
    }
    if (released() >= machines.length * (waiting[0] ?? 0)) {
      waiting.shift()
      console.log(`  kill -9 with ${released()} released`)
      stage.cpu += cpuOf(processesOf(stage.server))
      const from = Date.now()
      await stage.server.stop('SIGKILL')
      stage.server = await restart()
      stage.outages.push({ from, to: Date.now() })
    }
  }
}

/** Each device calls once more, so that a second release would show. */
async function tell(
  { server, outages }: Stage,
  machines: readonly Machine[],
  { inTurn }: World,
): Promise<void> {
  const verdicts = await Promise.all(
    machines.map((machine) =>
      inTurn(async () => {
        await machine.lives.at(-1)?.device.poll()
        return judge(server, machine, outages)
      }),
    ),
  )
  for (const { from, to } of outages) {
    console.log(`the server was down for ${((to - from) / SECOND).toFixed(1)} s`)
  }
  for (const kind of FAULTS) {
    tellKind(
      kind,
      verdicts.filter((one) => one.kind === kind),
    )
  }
  const flaws = verdicts.flatMap((one) => one.flaws)
  console.log(
    FLAWS.map((flaw) => `${flaw} ${flaws.filter((one) => one.flaw === flaw).length}`).join(', '),
  )
  flaws.slice(0, 20).forEach(({ flaw, text }) => console.log(`  ${flaw}: ${text}`))
  if (flaws.length > 0) {
    process.exitCode = 1
  }
}

function tellKind(kind: string, verdicts: readonly Verdict[]): void {
  const times = verdicts.map(({ took }) => took / SECOND).toSorted((one, other) => one - other)
  const states = Map.groupBy(
    verdicts.flatMap((one) => one.states),
    (state) => state,
  )
  const counts = [...states].map(([state, { length }]) => `${length} ${state}`)
  const at = (share: number): string => (times[Math.floor(times.length * share)] ?? NaN).toFixed(1)
  console.log(
    `${kind.padEnd(20)}${String(verdicts.length).padStart(5)}  released after ${at(0.5)} s (median), ` +
      `${at(0.999)} s (most; limit ${TIME_LIMIT} s); steps: ${counts.join(', ')}`,
  )
}
