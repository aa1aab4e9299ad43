import { z } from '../zod.ts'
import { clock } from '../../../clock.ts'
import { pushCertificateInUse } from '../../../device/push/certificate.ts'
import { daysUntil, expiryWarning } from '../../../pki/x509/push-certificate.ts'
import { RequestError } from '../../request-error.ts'
import { answer, operation } from '../operation.ts'
import { iso, time } from '../values.ts'
import { newRoutes } from '../new-routes.ts'

/** The push certificate in use, and when it ends. */
export const pushCertificateRoutes = newRoutes()

const inUse = z.object({
  topic: z.string(),
  fingerprint: z.string(),
  expires_at: time,
  days_left: z.int(),
  warning: z.string().nullable(),
})

pushCertificateRoutes.openapi(
  operation('getPushCertificate', 'get', '/push-certificate', {
    tags: ['Push'],
    summary: 'The push certificate in use and its end, with a warning from 60 days before',
    answers: {
      200: answer('the certificate in use', inUse, {
        topic: 'com.apple.mgmt.External.0c1f2d3e-4a5b-6c7d-8e9f-a0b1c2d3e4f5',
        fingerprint: '3f0a1c5e7b9d2f4a6c8e0b1d3f5a7c9e1b3d5f7a9c0e2b4d6f8a1c3e5b7d9f0a',
        expires_at: '2027-11-24T00:00:00.000Z',
        days_left: 365,
        warning: null,
      }),
    },
    problems: { 404: 'the server has no push certificate' },
  }),
  async (c) => {
    const now = clock.now()
    const { topic, certificate } = await pushCertificateInUse(c.env, c.var.config, now)
    if (!certificate) {
      throw new RequestError(
        'no push certificate is known here: install one with `npm run push-cert`',
        'push_certificate_not_found',
      )
    }
    const { notAfter, fingerprint } = certificate
    return c.json(
      {
        topic,
        fingerprint,
        expires_at: iso(notAfter),
        days_left: daysUntil(notAfter, now),
        warning: expiryWarning(notAfter, now) ?? null,
      },
      200,
    )
  },
)
