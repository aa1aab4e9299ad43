import type { ServerFacts } from '../../events/event.ts'
import type { ServerTopic } from '../../events/topics.ts'
import type { Context } from '../store/context.ts'
import type { Subscribers } from '../store/events.ts'
import { recordEvent } from './record.ts'

/** The object with all such events, so that their order holds. No device has such an id: it has a colon. */
export const SERVER_OUTBOX = 'server:events'

/** What happened to the deployment itself; `id` is that of the event. */
export interface ServerNews {
  readonly id: string
  readonly topic: ServerTopic
  readonly facts: ServerFacts
  /** The webhooks that want it; `undefined` when they are not known. */
  readonly listeners: Subscribers
  readonly requestId?: string
}

/**
 * Records events about the deployment. The object of the name {@link SERVER_OUTBOX} has no device, so that
 * the events are as durable as those of devices.
 */
export function recordServerNews(context: Context, news: readonly ServerNews[]): void {
  const enrollment = { type: 'Device', device: context.name, user: '' } as const
  for (const { id, topic, facts: server, listeners, requestId } of news) {
    const about = { enrollment, params: {}, server, ...(requestId !== undefined && { requestId }) }
    recordEvent(context, { id, topic, about, body: new Uint8Array() }, listeners)
  }
}
