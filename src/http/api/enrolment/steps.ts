import { z } from '../zod.ts'
import { CONTROL_NAME } from '../../../figures/report.ts'
import { newestSteps, seenSteps, STEP_KINDS } from '../../../figures/steps.ts'
import { warn } from '../../../log.ts'
import { reasonOf } from '../../../reason.ts'
import { newRoutes } from '../new-routes.ts'
import { operation } from '../operation.ts'
import { listOf, wholeList } from '../paging.ts'
import { iso, textOrNull, time } from '../values.ts'
import type { Env } from '../../../env.ts'

/** How enrolments go on, for somebody who waits for a device. */
export const enrollmentStepRoutes = newRoutes()

const step = z
  .object({
    id: z.string(),
    at: time,
    kind: z.enum(STEP_KINDS).openapi({
      description:
        '`profile_sent`: a profile was downloaded. `certificate_issued`: by SCEP, for the enrolment. ' +
        '`checked_in`: the device sent Authenticate. `enrolled`: it sent its first TokenUpdate',
    }),
    device_id: z.string().nullable().openapi({ description: 'null before the device checks in' }),
    detail: z
      .string()
      .nullable()
      .openapi({
        description:
          'for people: how the profile was asked for, why it was refused, the subject of the certificate, ' +
          'or the name of the device. A stranger may have written it',
      }),
  })
  .openapi('EnrollmentStep')

enrollmentStepRoutes.openapi(
  operation('listEnrollmentSteps', 'get', '/enrollment/steps', {
    tags: ['Enrolment'],
    summary: 'The newest steps of enrolments, the newest first',
    description:
      'At most ten of each kind, from memory: strangers cause some of them, so none is stored. After some ' +
      'minutes without requests they are gone. The log has them all.',
    answers: {
      200: listOf('the newest steps', step, {
        id: '3f1c0c39-34f4-4e2c-8f0c-7a8a8a4d6f6b',
        at: '2026-11-24T09:00:00.000Z',
        kind: 'enrolled',
        device_id: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01',
        detail: 'Ada’s MacBook',
      }),
    },
  }),
  async (c) => {
    const items = newestSteps(seenSteps(), await stepsOfOthers(c.env)).map((one) => ({
      id: one.id,
      at: iso(one.at),
      kind: one.kind,
      device_id: textOrNull(one.device),
      detail: textOrNull(one.detail),
    }))
    return c.json(wholeList(items), 200)
  },
)

/** What other isolates have seen. */
async function stepsOfOthers({ CONTROL }: Env) {
  try {
    return await CONTROL.getByName(CONTROL_NAME).steps()
  } catch (error) {
    warn('enroll:steps-unread', { reason: reasonOf(error) })
    return []
  }
}
