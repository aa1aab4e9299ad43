import type { RunningServer } from '../e2e/server.ts'
import type { Run } from './load.ts'
import { startReceiver } from './receiver.ts'
import type { Load } from './server.ts'

const DEVICES = 500
const EVENTS = 10_000
/** Milliseconds in which the receiver answers. */
const ANSWER = 20

/** Events of a webhook that is paused, and how fast they leave when it goes on. */
export async function measureBacklog(
  withServer: (
    args: readonly string[],
    use: (server: RunningServer, load: Load) => Promise<void>,
  ) => Promise<void>,
  bounded: (plan: Partial<Run> & Pick<Run, 'kind'>) => Run,
  cpu: (server: RunningServer) => number,
): Promise<void> {
  const receiver = await startReceiver(ANSWER)
  await withServer(['--webhook', receiver.url], async (server, load) => {
    await server.api('POST', '/api/webhooks/webhook/pause')
    await load.run(bounded({ kind: 'enrolment', to: DEVICES, count: DEVICES, seconds: 120 }))
    const left = EVENTS - 2 * DEVICES
    await load.run(bounded({ kind: 'idle', to: DEVICES, count: left, seconds: 300 }))
    const before = cpu(server)
    const from = performance.now()
    await server.api('POST', '/api/webhooks/webhook/resume')
    await receiver.until(EVENTS)
    const seconds = (performance.now() - from) / 1000
    const each = ((cpu(server) - before) * 1000) / EVENTS
    console.log(
      `backlog              ${(EVENTS / seconds).toFixed(0).padStart(6)}/s  ${EVENTS} events of ${DEVICES} devices in ${seconds.toFixed(1)} s, ${process.env['WEBHOOK_CONCURRENCY']} posts in flight, answered in ${ANSWER} ms, server CPU ${each.toFixed(3)} ms each`,
    )
  })
  await receiver.close()
}
