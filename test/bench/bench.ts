/**
 * `npm run bench`: requests per second and server CPU per operation against `npm start` on this machine. The
 * load comes pre-signed from a process of its own; every loop is bounded; results go to `results/` as JSON.
 */
import { generateKeyPairSync } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { cpus, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { pem } from '../../src/pki/x509/issue.ts'
import { createIssuer, newKey, type Issuer } from '../../src/simulator/device/identity.ts'
import manifest from '../../package.json' with { type: 'json' }
import { start, type RunningServer } from '../e2e/server.ts'
import { measureBacklog } from './backlog.ts'
import { bulk } from './bulk.ts'
import { readOptions } from './options.ts'
import { connectProfiler, topCosts } from './profile.ts'
import { startReceiver } from './receiver.ts'
import type { Outcome, Run, Setup } from './load.ts'
import { coldAndWarm, fleetSizes, queueLengths } from './scale.ts'
import { pushTopic, serverCpu, startLoad, type Load } from './server.ts'

const flags = readOptions(process.argv.slice(2))
// Ends by `exit`, whose handler ends the servers. A signal alone would not call it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => process.exit(1))
}
const RUNS = flags.runs
const SECONDS = flags.seconds
const ONLY = flags.only
const KINDS = ['check-in', 'idle', 'cycle', 'inventory'] as const
const CONNECTIONS = 16
const DEVICES = 64
const ENROLMENTS = 400
const RESULTS = join(import.meta.dirname, './results')
/** Given to the server with `--profile`; the summary is printed under each figure. */
const INSPECTOR = 9339
const NEVER = Number.MAX_SAFE_INTEGER

export interface Measured {
  readonly name: string
  readonly perSecond: number
  /** Milliseconds. */
  readonly median: number
  readonly p99: number
  /** Milliseconds of server CPU an operation, and seconds of the load generator's CPU a second. */
  readonly serverCpu: number
  readonly loadCpu: number
}

if (ONLY.has('bulk')) {
  await bulk(flags.tmpfs ? '/dev/shm' : tmpdir(), flags.count)
  process.exit()
}

const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
const ca = createIssuer({ commonName: 'bench' })
const fillCa = createIssuer({ commonName: 'bench, fast', key: newKey('ec') })
const results: Measured[] = []
const growth: unknown[] = []

await mkdir(RESULTS, { recursive: true })
const disk = flags.tmpfs ? '/dev/shm' : tmpdir()
console.log(
  `${cpus().length} × ${cpus()[0]?.model}, Linux ${release()}, Node ${process.version}, workerd of miniflare ${manifest.devDependencies.miniflare}, state on ${flags.tmpfs ? 'tmpfs' : 'disk'}, ${CONNECTIONS} connections, median of ${RUNS}`,
)
if (ONLY.intersection(new Set(['enrolment', ...KINDS])).size > 0) {
  await withoutWebhook()
}
if (ONLY.has('webhook')) {
  await withWebhook()
}
if (ONLY.has('backlog')) {
  process.env['WEBHOOK_CONCURRENCY'] = '6'
  await measureBacklog(withServer, bounded, serverCpu)
}
if (['cold', 'queue', 'fleet'].some((name) => ONLY.has(name))) {
  await withGrowth()
}
await writeFile(
  join(RESULTS, `${flags.tmpfs ? 'tmpfs' : 'disk'}.json`),
  `${JSON.stringify({ machine: { cpu: cpus()[0]?.model, cores: cpus().length, kernel: release(), node: process.version }, date: new Date().toISOString(), results, growth }, null, 2)}\n`,
)

/** The work of devices and admins, without a webhook. */
async function withoutWebhook(): Promise<void> {
  await withServer([], async (server, load) => {
    await measured('enrolment', server, load, (round) => ({
      kind: 'enrolment',
      from: 1000 + round * ENROLMENTS,
      to: 1000 + (round + 1) * ENROLMENTS,
      count: ENROLMENTS,
      seconds: 60,
    }))
    await load.run(bounded({ kind: 'enrolment', count: DEVICES, seconds: 60 }))
    for (const kind of KINDS) {
      await measured(kind, server, load, () => ({ kind, seconds: SECONDS }))
    }
  })
}

/** Every Idle is an event: durable before its answer, and delivered while the load goes on. */
async function withWebhook(): Promise<void> {
  const receiver = await startReceiver()
  process.env['WEBHOOK_TOPICS'] = 'mdm.Authenticate,mdm.TokenUpdate,mdm.Connect'
  process.env['WEBHOOK_CONCURRENCY'] = '6'
  await withServer(['--webhook', receiver.url], async (server, load) => {
    await load.run(bounded({ kind: 'enrolment', count: DEVICES, seconds: 60 }))
    await receiver.until(2 * DEVICES)
    let expected = 2 * DEVICES
    await measured(
      'idle with webhook',
      server,
      load,
      () => ({ kind: 'idle', seconds: SECONDS }),
      async (outcome) => {
        expected += outcome.operations
        const behind = expected - receiver.count()
        const from = performance.now()
        await receiver.until(expected)
        console.log(
          `  ${behind} of ${outcome.operations} events were still to deliver at the end: ${(outcome.operations / (outcome.seconds + (performance.now() - from) / 1000)).toFixed(0)}/s delivered in all`,
        )
      },
    )
  })
  await receiver.close()
}

/** How latency grows with the fleet, with a queue, and for an object that was let go. */
async function withGrowth(): Promise<void> {
  process.env['MAX_QUEUE'] = '20000'
  await withServer([], async (_, load) => {
    await load.run(bounded({ kind: 'enrolment', count: DEVICES, seconds: 60 }))
    if (ONLY.has('cold')) {
      const { cold, warm } = await coldAndWarm(load, bounded, DEVICES)
      growth.push({ at: 'cold and warm', cold, warm })
      console.log(
        `first connect of a cold object: median ${cold.median.toFixed(1)} ms, of a warm one ${warm.median.toFixed(1)} ms`,
      )
    }
    const sizes = ONLY.has('fleet') ? await fleetSizes(load, bounded, flags.sizes) : []
    const lengths = ONLY.has('queue') ? await queueLengths(load, bounded) : []
    for (const { at, idle, cycle } of [...sizes, ...lengths]) {
      growth.push({ at, idle, cycle })
      console.log(
        `${at.padEnd(20)} Idle median ${idle.median.toFixed(2)} ms, p99 ${idle.p99.toFixed(1)}  cycle median ${cycle.median.toFixed(1)} ms, p99 ${cycle.p99.toFixed(1)}`,
      )
    }
  })
}

async function withServer(
  args: readonly string[],
  use: (server: RunningServer, load: Load) => Promise<void>,
): Promise<void> {
  const state = await mkdtemp(join(disk, 'edgemdm-bench-'))
  const caFile = join(state, 'bench-ca.pem')
  const certificate = pem('CERTIFICATE', ca.certificate.der)
  await writeFile(caFile, certificate + pem('CERTIFICATE', fillCa.certificate.der))
  const apiKey = 'bench'
  const server = await start(state, [
    '--device-ca',
    caFile,
    '--api-key',
    apiKey,
    ...(flags.profile ? ['--inspect', String(INSPECTOR)] : []),
    ...args,
  ])
  const setup: Setup = {
    server: server.url,
    apiKey,
    topic: await pushTopic(server, apiKey),
    ca: pemOf(ca),
    fillCa: pemOf(fillCa),
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
  const load = await startLoad(setup)
  console.log(`server ready on ${server.url}`)
  try {
    await use(server, load)
  } finally {
    await load.close()
    await server.stop()
    await rm(state, { recursive: true, force: true })
  }
}

function pemOf(issuer: Issuer): Setup['ca'] {
  return {
    certificate: pem('CERTIFICATE', issuer.certificate.der),
    privateKey: issuer.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

/** Runs one kind of operation several times; the run of median speed counts. */
async function measured(
  name: string,
  server: RunningServer,
  load: Load,
  plan: (round: number) => Partial<Run> & Pick<Run, 'kind'>,
  afterwards: (outcome: Outcome) => Promise<void> = async () => {},
): Promise<void> {
  if (!ONLY.has(name) && name !== 'idle with webhook') {
    return
  }
  const runs: Measured[] = []
  for (let round = 0; round < RUNS; round++) {
    const profiler = flags.profile ? await connectProfiler(INSPECTOR) : undefined
    await profiler?.start()
    const before = serverCpu(server)
    const outcome = await load.run(bounded(plan(round)))
    await afterwards(outcome)
    const profile = await profiler?.stop()
    if (profile) {
      await writeFile(join(RESULTS, `${name}.cpuprofile`), JSON.stringify(profile))
      console.log(
        topCosts(profile, 25)
          .map(({ name: part, share }) => `    ${(share * 100).toFixed(1).padStart(5)} %  ${part}`)
          .join('\n'),
      )
    }
    const { operations, seconds, cpu, median, p99 } = outcome
    runs.push({
      name,
      perSecond: operations / seconds,
      median,
      p99,
      serverCpu: ((serverCpu(server) - before) * 1000) / operations,
      loadCpu: cpu / seconds,
    })
  }
  const middle = runs.toSorted((a, b) => a.perSecond - b.perSecond)[Math.floor(RUNS / 2)]
  if (middle) {
    results.push(middle)
    console.log(lineOf(middle))
  }
}

function bounded(plan: Partial<Run> & Pick<Run, 'kind'>): Run {
  return { connections: CONNECTIONS, from: 0, to: DEVICES, count: NEVER, seconds: SECONDS, ...plan }
}

function lineOf({ name, perSecond, median, p99, serverCpu: server, loadCpu }: Measured): string {
  return `${name.padEnd(20)} ${perSecond.toFixed(0).padStart(6)}/s  median ${median.toFixed(1)} ms  p99 ${p99.toFixed(1)} ms  server CPU ${server.toFixed(3)} ms each  load CPU ${(loadCpu * 100).toFixed(0)} %`
}
