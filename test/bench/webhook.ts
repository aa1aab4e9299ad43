import { enrolWarmers, once } from './passes.ts'
import { startReceiver, type CountingReceiver } from './receiver.ts'
import { ratesOf } from './row.ts'
import { withServer, type Bench, type Scene } from './server.ts'
import { WARMERS } from './sign.ts'
import type { Run } from './load.ts'
import { cpuOf, processesOf } from './usage.ts'

const CONNECTIONS = 16
const DEVICES = 64
/** Idles a second of a whole fleet. Each rate lasts at least so many seconds. */
const WAVES = [250, 500, 1000]
const SECONDS = 30
/** Milliseconds in which the receiver answers a fleet's events. */
const ANSWER = 20
const TOPICS = 'mdm.Authenticate,mdm.TokenUpdate,mdm.Connect'

/** Every Idle is an event: durable before its answer, and delivered while the load goes on. */
export async function measureWebhook(
  flags: Scene & { readonly runs: number; readonly seconds: number },
): Promise<void> {
  const receiver = await startReceiver()
  Object.assign(process.env, { WEBHOOK_TOPICS: TOPICS, WEBHOOK_CONCURRENCY: '6' })
  const fleet = { connections: CONNECTIONS, from: 0, to: DEVICES }
  await withServer(flags, ['--webhook', receiver.url], async (bench) => {
    await bench.load.run({ ...fleet, kind: 'enrolment', count: DEVICES, seconds: 60 })
    await receiver.until(2 * DEVICES)
    for (let run = 0; run < flags.runs; run++) {
      const during = { count: Number.MAX_SAFE_INTEGER, seconds: flags.seconds }
      await measureEvents(bench, receiver, { ...fleet, kind: 'idle', ...during })
    }
  })
  await receiver.close()
}

/** The same for a whole fleet, each device at least once, at ever higher rates. */
export async function measureWaves(scene: Scene, size: number): Promise<void> {
  const receiver = await startReceiver(ANSWER)
  Object.assign(process.env, { WEBHOOK_TOPICS: TOPICS, WEBHOOK_CONCURRENCY: '24' })
  const fleet = { from: WARMERS, to: WARMERS + size }
  await withServer(scene, ['--webhook', receiver.url], async (bench) => {
    await enrolWarmers(bench)
    await bench.load.run(once({ kind: 'enrolment', ...fleet }))
    await receiver.until(2 * (WARMERS + size))
    const idle = { ...once({ kind: 'idle', ...fleet }), connections: 64 }
    await measureEvents(bench, receiver, idle)
    for (const perSecond of WAVES) {
      const count = Math.max(size, perSecond * SECONDS)
      await measureEvents(bench, receiver, { ...idle, count, perSecond })
    }
  })
  await receiver.close()
}

async function measureEvents(
  { server, load }: Bench,
  receiver: CountingReceiver,
  run: Run,
): Promise<void> {
  await load.sign(run)
  const before = receiver.count()
  const processes = processesOf(server())
  const cpu = cpuOf(processes)
  const outcome = await load.run(run)
  const expected = before + outcome.operations
  const behind = expected - receiver.count()
  const from = performance.now()
  await receiver.until(expected)
  const inAll = outcome.seconds + (performance.now() - from) / 1000
  const rates = ratesOf(outcome, cpuOf(processes) - cpu)
  const due = run.perSecond === undefined ? '' : ` of ${run.perSecond}/s`
  console.log(
    `idle with webhook    ${rates.perSecond.toFixed(0)}/s${due}  median ${rates.median.toFixed(1)} ms  p99 ${rates.p99.toFixed(1)} ms  server CPU ${rates.serverCpu.toFixed(3)} ms each  ${(outcome.operations / inAll).toFixed(0)}/s delivered in all, ${behind} of ${outcome.operations} events after the last answer`,
  )
}
