import type { Schema } from '../../../../../src/console/api/types.ts'
import { COMMAND_EXAMPLE } from '../../../../../src/http/api/commands/schema.ts'
import { DEVICE_DETAIL_EXAMPLE } from '../../../../../src/http/api/devices/json.ts'

type Device = Schema<'DeviceDetail'>
type Channel = Device['channels'][number]

/** A Tuesday in the middle of the day, in each zone near it. */
export const NOW = Date.parse('2026-11-24T12:00:00Z')
export const MINUTE = 60_000

/** @param since milliseconds from NOW */
export function time(since: number): string {
  return new Date(NOW + since).toISOString()
}

const [CHANNEL] = DEVICE_DETAIL_EXAMPLE.channels

/** The device channel of the document’s example, with nothing in its queue. */
export function channelOf(queue: Partial<Channel['queue']> = {}): Channel {
  return {
    ...(CHANNEL as Channel),
    queue: {
      waiting: 0,
      by_state: {},
      oldest_queued_at: null,
      not_now_since: null,
      next_push_at: null,
      ...queue,
    },
  }
}

/** The device of the document’s example, seen three minutes ago. */
export function device(given: Partial<Record<keyof Device, unknown>> = {}): Device {
  return {
    ...DEVICE_DETAIL_EXAMPLE,
    last_seen_at: time(-3 * MINUTE),
    channels: [channelOf()],
    identities: [
      {
        id: 'f',
        device_id: DEVICE_DETAIL_EXAMPLE.id,
        subject: 'CN=device',
        expires_at: time(200 * 24 * 60 * MINUTE),
        state: 'current',
        proof: 'first',
      },
    ],
    inventory: {
      DeviceInformation: null,
      SecurityInfo: null,
      ProfileList: null,
      InstalledApplicationList: null,
    },
    ...given,
  } as Device
}

/** A command that was queued ten minutes ago and has not gone out. */
export function command(
  request_type: string,
  given: Partial<Schema<'Command'>> = {},
): Schema<'Command'> {
  return {
    ...COMMAND_EXAMPLE,
    request_type,
    state: 'queued',
    queued_at: time(-10 * MINUTE),
    pushed: null,
    hand_outs: 0,
    last_handed_out_at: null,
    answered_at: null,
    ended_at: null,
    ...given,
  }
}
