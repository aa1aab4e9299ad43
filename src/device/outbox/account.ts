import type { DepNews } from '../../events/event.ts'
import type { DepTopic } from '../../events/topics.ts'
import type { Context } from '../store/context.ts'
import { recordOwnEvent } from './record.ts'

/** What is new of an account of Automated Device Enrollment; `id` is that of the event. */
export interface AccountNews {
  readonly id: string
  readonly topic: DepTopic
  readonly dep: DepNews
}

/**
 * Records an event about an account. The object of its name has no device: it is the account's outbox, so
 * that such events are as durable as those of devices.
 */
export function recordNews(context: Context, { id, topic, dep }: AccountNews): void {
  const enrollment = { type: 'Device', device: context.name, user: '' } as const
  recordOwnEvent(context, { id, topic, about: { enrollment, params: {}, dep } })
}
