import { z } from '../zod.ts'
import { LIVE_KINDS, type LiveEntry } from '../../../live/entry.ts'
import { iso, textOrNull, time } from '../values.ts'

const nullable = (description: string) => z.string().nullable().openapi({ description })

/** An entry, in a stream and in the list. */
export const activitySchema = z
  .object({
    id: z
      .int()
      .nullable()
      .openapi({ description: 'its place in the order; null in the stream of a device' }),
    at: time.openapi({ description: 'when' }),
    kind: z.enum(LIVE_KINDS).openapi({ description: 'what happened: docs/stream.md' }),
    device_id: nullable('the device; null for a job'),
    serial_number: nullable('as the device reports it'),
    device_name: nullable('as the device reports it, up to 100 characters'),
    command_id: nullable('of a command'),
    request_type: nullable('of a command, where it is known'),
    actor: nullable('of a new command: the person or the key that queued it'),
    job_id: nullable('of a job, and of a command that a job queued'),
  })
  .openapi('Activity')

export const ACTIVITY_EXAMPLE: z.input<typeof activitySchema> = {
  id: 42,
  at: '2026-11-24T22:00:00.000Z',
  kind: 'command.acknowledged',
  device_id: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01',
  serial_number: 'C02XK1ZZJG5J',
  device_name: 'Ada’s MacBook',
  command_id: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01.17',
  request_type: 'DeviceInformation',
  actor: null,
  job_id: null,
}

export function activityJson(
  entry: LiveEntry & { readonly seq?: number },
): z.infer<typeof activitySchema> {
  const { seq, at, kind, device, serial, name, command, requestType, actor, job } = entry
  return {
    id: seq ?? null,
    at: iso(at),
    kind,
    device_id: device ?? null,
    serial_number: textOrNull(serial ?? ''),
    device_name: textOrNull(name ?? ''),
    command_id: command ?? null,
    request_type: requestType ?? null,
    actor: actor ?? null,
    job_id: job ?? null,
  }
}
