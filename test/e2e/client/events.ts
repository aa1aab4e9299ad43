/** What a receiver has of the types: each topic has its own fields. */
import type { components, operations } from './types.ts'

type Event = components['schemas']['Event']

export function tell(event: Event): string {
  switch (event.topic) {
    case 'mdm.Connect':
      return event.acknowledge_event.status
    case 'enrollment.settled':
      return event.checkin_event.proof
    case 'command.deferred':
      return `${event.acknowledge_event.command_id} ${event.acknowledge_event.not_now_count}`
    // @ts-expect-error -- there is no such topic
    case 'mdm.Unheard':
      return ''
    default:
      return event.topic
  }
}

export const platform: NonNullable<operations['listDevices']['parameters']['query']>['platform'] = [
  'macOS',
]
