import { clock } from '../../clock.ts'
import { bytesField } from '../../commands/go-fields.ts'
import { pushCertificateInUse, replacePushCertificate } from '../../device/push/certificate.ts'
import { countEnrolled } from '../../directory/devices/rows.ts'
import { checkPushCertificate } from '../../pki/x509/push-certificate.ts'
import { newApp } from '../app-env.ts'
import { RequestError } from '../request-error.ts'
import { goJson, readObject, type AdminContext } from './request.ts'

/** `/v1/config/certificate` (docs/micromdm.md). MicroMDM stores any certificate; this server checks it. */
export const v1PushCertificate = newApp()

const PATH = '/v1/config/certificate'
const STRUCT = 'saveRequest'

v1PushCertificate.get(PATH, async (c) => {
  const { certificate } = await pushCertificateInUse(c.env, c.var.config, clock.now())
  if (!certificate) {
    throw new RequestError(
      'get push certificate: none is known here: install one with `npm run push-cert`',
    )
  }
  return goJson({ cert: certificate.der })
})

/**
 * Answers 200 only if pushes use this certificate from now on. A 200 without effect would hide that pushes
 * will stop.
 */
v1PushCertificate.put(PATH, async (c) => {
  const body = await readObject(c)
  const [cert = '', key = ''] = ['cert', 'key'].map((name) =>
    new TextDecoder().decode(bytesField(body, name, STRUCT)),
  )
  const pair = checkPushCertificate(cert, key, clock.now())
  if (!pair.ok) {
    throw new RequestError(pair.error, 400)
  }
  const inUse = await pushCertificateInUse(c.env, c.var.config, clock.now())
  if (c.env.PUSH_KEEPER) {
    await refuseOtherTopic(c, inUse.topic, pair.topic)
    const error = await replacePushCertificate(c.env.PUSH_KEEPER, pair)
    if (error !== undefined) {
      throw new RequestError(error)
    }
  } else if (!c.env.APNS || inUse.id !== pair.fingerprint) {
    throw new RequestError(
      'pushes leave with the certificate that is bound as APNS, which no request can replace: install this ' +
        'one with `npm run push-cert -- install --production` (docs/push-certificate.md)',
      409,
    )
  }
  return goJson({})
})

/** A device has the topic of its profile: with another topic it cannot be pushed until it enrols again. */
async function refuseOtherTopic(c: AdminContext, before: string, after: string): Promise<void> {
  if (before === after || before === '' || c.req.query('force') === 'true') {
    return
  }
  const enrolled = await countEnrolled(c.env.DB)
  if (enrolled > 0) {
    throw new RequestError(
      `${enrolled} devices are enrolled with the topic ${before}, and this certificate is for ${after}: ` +
        'they would all have to enrol again. Renew the certificate of their topic with the Apple Account ' +
        'that made it, or force it (?force=true)',
      409,
    )
  }
}
