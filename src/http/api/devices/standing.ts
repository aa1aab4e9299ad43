import { z } from '../zod.ts'
import type { ListedStandingRow } from '../../../directory/devices/standing.ts'
import { enrollmentMode, renewalState } from '../words.ts'
import { atOrNull, time } from '../values.ts'

/** What the directory says of an enrolment, in lists and of one device. */
export const standingFields = {
  enrolled_at: time
    .nullable()
    .openapi({ description: 'when the present enrolment was complete; null if that is not known' }),
  enrollment_type: enrollmentMode.nullable().openapi({
    description:
      '`automated`: the device waited in Setup Assistant; `device`: any other enrolment of a whole ' +
      'device; null if it is not known',
  }),
  supervised: z
    .boolean()
    .nullable()
    .openapi({ description: 'as DeviceInformation said last; null before' }),
  users: z
    .array(z.string())
    .openapi({ description: 'the short names of its users, as far as a list has room' }),
  blocked: z.boolean().openapi({
    description: 'the server answers its connects with 401, so that it removes its profile',
  }),
  identity_not_after: time
    .nullable()
    .openapi({ description: 'when the certificate that it signs with ends' }),
  renewal: renewalState
    .nullable()
    .openapi({ description: 'of this certificate; null before the first one' }),
}

type StandingJson = z.input<z.ZodObject<typeof standingFields>>

export const STANDING_EXAMPLE: StandingJson = {
  enrolled_at: '2026-11-24T08:00:00.000Z',
  enrollment_type: 'automated',
  supervised: true,
  users: ['ada'],
  blocked: false,
  identity_not_after: '2027-11-24T08:00:00.000Z',
  renewal: null,
}

export function standingJson(row: ListedStandingRow): StandingJson {
  return {
    enrolled_at: atOrNull(row.enrolledAt),
    enrollment_type: enrollmentMode.safeParse(row.enrollment).data ?? null,
    supervised: row.supervised === null ? null : row.supervised === 1,
    users: row.userNames === '' ? [] : row.userNames.split('\n'),
    blocked: row.blocked === 1,
    identity_not_after: atOrNull(row.identityNotAfter),
    renewal: renewalState.safeParse(row.renewal).data ?? null,
  }
}
