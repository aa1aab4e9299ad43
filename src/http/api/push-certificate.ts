import { Hono } from 'hono'
import { pushCertificateInUse } from '../../device/push-certificate.ts'
import { daysUntil, expiryWarning } from '../../pki/push-certificate.ts'
import type { AppEnv } from '../app-env.ts'
import { AdminError } from '../at-device.ts'

/** What an admin has to know of the push certificate in use, above all when it ends. */
export const pushCertificate = new Hono<AppEnv>()

pushCertificate.get('/push-certificate', async (c) => {
  const now = Date.now()
  const { topic, certificate } = await pushCertificateInUse(c.env, c.var.config, now)
  if (!certificate) {
    throw new AdminError(
      'no push certificate is known here: install one with `npm run push-cert`',
      404,
    )
  }
  const { notAfter, fingerprint } = certificate
  return c.json({
    topic,
    fingerprint,
    not_after: new Date(notAfter).toISOString(),
    days_left: daysUntil(notAfter, now),
    warning: expiryWarning(notAfter, now) ?? null,
  })
})
