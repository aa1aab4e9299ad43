import { z } from '../zod.ts'
import { dropUnused } from '../../../directory/certificates.ts'
import { warn } from '../../../log.ts'
import { RequestError } from '../../request-error.ts'
import { DONE, operation, pathId } from '../operation.ts'
import { newRoutes } from '../new-routes.ts'

/** Certificates that no device has used. */
export const unusedCertificateRoutes = newRoutes()

unusedCertificateRoutes.openapi(
  operation('dropCertificate', 'delete', '/certificates/{id}', {
    tags: ['Identities'],
    summary: 'Drops a certificate that no device has used: no device can enrol with it any more',
    params: pathId(
      z.string(),
      'SHA-256 of the certificate, hexadecimal; `fingerprint` of `scep:issued` in the log',
      '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    ),
    answers: { 204: DONE },
    problems: { 404: 'the server has issued no such certificate', 409: 'a device uses it' },
  }),
  async (c) => {
    const fingerprint = c.req.valid('param').id.toLowerCase()
    switch (await dropUnused(c.env.DB, fingerprint)) {
      case 'unknown':
        throw new RequestError(`there is no certificate ${fingerprint}`, 'identity_not_found')
      case 'used':
        throw new RequestError(
          'a device uses it: revoke it as an identity of that device',
          'conflict',
        )
      case 'dropped':
        warn('scep:dropped', { fingerprint })
        return c.body(null, 204)
    }
  },
)
