import { clock } from '../../clock.ts'
import { newProbeName } from '../../control/probe.ts'
import type { Env } from '../../env.ts'
import { reasonOf } from '../../reason.ts'
import { good, troubleWith, type ProbeOutcome } from './outcome.ts'

const ALARM_PATIENCE = 5000
const QUEUE_PATIENCE = 30_000

/** An object writes, gets its alarm, reads, and deletes all. */
export async function probeObjects({ CONTROL }: Env): Promise<ProbeOutcome> {
  const { reason, took } = await timed(CONTROL.getByName(newProbeName()).probeAlarm(ALARM_PATIENCE))
  return reason === ''
    ? good(`an object wrote, and got its alarm, within ${took} ms`)
    : troubleWith('objects', reason, {
        text: 'an object could not write, or did not get its alarm',
        fix: 'ask again; if it stays, look at the status of Cloudflare (Durable Objects)',
      })
}

/** A message goes through the queue, and its consumer calls the object that waits. */
export async function probeQueue({ CONTROL, EVENTS }: Env): Promise<ProbeOutcome> {
  const probe = newProbeName()
  const message = { device: probe, readers: [], directory: undefined, probe }
  const sent = EVENTS.send(message)
  const heard = CONTROL.getByName(probe).awaitEcho(QUEUE_PATIENCE)
  const { reason, took } = await timed(Promise.all([heard, sent]).then(([late]) => late))
  return reason === ''
    ? good(`a message came through the queue within ${took} ms`)
    : troubleWith('queue', reason, {
        text: 'a message did not come through the queue: webhooks and lists lag by minutes',
        fix:
          '`npx wrangler queues info edgemdm-events` lists its consumers: this Worker has to be the only ' +
          'one. `npm run deploy` puts it back',
      })
}

/** How long a call took, and why it failed; empty if it did not. */
async function timed(call: Promise<string>): Promise<{ reason: string; took: number }> {
  const began = clock.now()
  const reason = await call.catch(reasonOf)
  return { reason, took: clock.now() - began }
}
