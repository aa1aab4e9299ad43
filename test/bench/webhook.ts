import { startReceiver } from './receiver.ts'
import { ratesOf } from './row.ts'
import { withServer, type Scene } from './server.ts'
import { cpuOf, processesOf } from './usage.ts'

const CONNECTIONS = 16
const DEVICES = 64

/** Every Idle is an event: durable before its answer, and delivered while the load goes on. */
export async function measureWebhook(
  flags: Scene & { readonly runs: number; readonly seconds: number },
): Promise<void> {
  const receiver = await startReceiver()
  process.env['WEBHOOK_TOPICS'] = 'mdm.Authenticate,mdm.TokenUpdate,mdm.Connect'
  process.env['WEBHOOK_CONCURRENCY'] = '6'
  const fleet = { connections: CONNECTIONS, from: 0, to: DEVICES }
  await withServer(flags, ['--webhook', receiver.url], async ({ server, load }) => {
    await load.run({ ...fleet, kind: 'enrolment', count: DEVICES, seconds: 60 })
    let expected = 2 * DEVICES
    await receiver.until(expected)
    for (let run = 0; run < flags.runs; run++) {
      const before = cpuOf(processesOf(server()))
      const outcome = await load.run({
        ...fleet,
        kind: 'idle',
        count: Number.MAX_SAFE_INTEGER,
        seconds: flags.seconds,
      })
      expected += outcome.operations
      const behind = expected - receiver.count()
      const from = performance.now()
      await receiver.until(expected)
      const inAll = outcome.seconds + (performance.now() - from) / 1000
      const rates = ratesOf(outcome, cpuOf(processesOf(server())) - before)
      console.log(
        `idle with webhook    ${rates.perSecond.toFixed(0)}/s  median ${rates.median.toFixed(1)} ms  p99 ${rates.p99.toFixed(1)} ms  server CPU ${rates.serverCpu.toFixed(3)} ms each  ${(outcome.operations / inAll).toFixed(0)}/s delivered in all, ${behind} of ${outcome.operations} events after the last answer`,
      )
    }
  })
  await receiver.close()
}
