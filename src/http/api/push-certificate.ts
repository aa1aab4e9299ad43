import { createRoute, z } from '@hono/zod-openapi'
import { pushCertificateInUse } from '../../device/push-certificate.ts'
import { daysUntil, expiryWarning } from '../../pki/push-certificate.ts'
import { AdminError } from '../at-device.ts'
import { answer, newRoutes, refusal } from './frame.ts'

/** What an admin has to know of the push certificate in use, above all when it ends. */
export const pushCertificate = newRoutes()

pushCertificate.openapi(
  createRoute({
    method: 'get',
    path: '/push-certificate',
    operationId: 'getPushCertificate',
    tags: ['Certificates'],
    summary: 'The push certificate in use, and when it ends',
    responses: {
      200: answer(
        'what is known of it',
        z
          .object({
            topic: z.string(),
            fingerprint: z.string(),
            not_after: z.iso.datetime(),
            days_left: z.int(),
            warning: z
              .string()
              .nullable()
              .openapi({ description: 'from 60 days before its end on' }),
          })
          .openapi('PushCertificate'),
        {
          topic: 'com.apple.mgmt.External.6f1f2f3c-1111-2222-3333-444455556666',
          fingerprint: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
          not_after: '2027-11-24T00:00:00.000Z',
          days_left: 364,
          warning: null,
        },
      ),
      404: refusal('no push certificate is known here'),
    },
  }),
  async (c) => {
    const now = Date.now()
    const { topic, certificate } = await pushCertificateInUse(c.env, c.var.config, now)
    if (!certificate) {
      throw new AdminError(
        'no push certificate is known here: install one with `npm run push-cert`',
        404,
      )
    }
    const { notAfter, fingerprint } = certificate
    return c.json(
      {
        topic,
        fingerprint,
        not_after: new Date(notAfter).toISOString(),
        days_left: daysUntil(notAfter, now),
        warning: expiryWarning(notAfter, now) ?? null,
      },
      200,
    )
  },
)
