import { startReceiver } from './receiver.ts'
import { withServer, type Scene } from './server.ts'
import { cpuOf, processesOf } from './usage.ts'

const DEVICES = 500
const EVENTS = 10_000
/** Milliseconds in which the receiver answers. */
const ANSWER = 20

/** Events of a webhook that is paused, and how fast they leave when it goes on. */
export async function measureBacklog(scene: Scene): Promise<void> {
  const receiver = await startReceiver(ANSWER)
  process.env['WEBHOOK_CONCURRENCY'] = '6'
  const fleet = { connections: 16, from: 0, to: DEVICES }
  await withServer(scene, ['--webhook', receiver.url], async ({ server, load }) => {
    await server().api('POST', '/api/webhooks/webhook/pause')
    await load.run({ ...fleet, kind: 'enrolment', count: DEVICES, seconds: 120 })
    const left = EVENTS - 2 * DEVICES
    await load.run({ ...fleet, kind: 'idle', count: left, seconds: 300 })
    const processes = processesOf(server())
    const before = cpuOf(processes)
    const from = performance.now()
    await server().api('POST', '/api/webhooks/webhook/resume')
    await receiver.until(EVENTS)
    const seconds = (performance.now() - from) / 1000
    const each = ((cpuOf(processes) - before) * 1000) / EVENTS
    console.log(
      `backlog              ${(EVENTS / seconds).toFixed(0).padStart(6)}/s  ${EVENTS} events of ${DEVICES} devices in ${seconds.toFixed(1)} s, ${process.env['WEBHOOK_CONCURRENCY']} posts in flight, answered in ${ANSWER} ms, server CPU ${each.toFixed(3)} ms each`,
    )
  })
  await receiver.close()
}
