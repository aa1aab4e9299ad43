import { Hono } from 'hono'
import { projectDevices } from '../../delivery/consumer.ts'
import { rfc3339 } from '../../events/event.ts'
import { adminAuth } from '../admin-auth.ts'
import type { AppEnv } from '../app-env.ts'
import { errorJson } from '../error-json.ts'
import { escrow } from './escrow.ts'
import { pushCertificate } from './push-certificate.ts'
import { ca } from './ca.ts'

/** EdgeMDM's own admin routes: what MicroMDM has no words for. */
export const ownFace = new Hono<AppEnv>().basePath('/api')

ownFace.use(adminAuth)
ownFace.route('/', escrow)
ownFace.route('/', pushCertificate)

ownFace.get('/devices/:id/identities', async (c) => {
  const identities = await c.env.DEVICE.getByName(c.req.param('id')).identities()
  return c.json({
    identities: identities.map(({ fingerprint, subject, notAfter, standing }) => ({
      fingerprint,
      subject,
      not_after: rfc3339(notAfter),
      standing,
    })),
  })
})
ownFace.route('/', ca)

/** Accepts an identity of an earlier enrolment again; the event `identity_conflict` names its certificate. */
ownFace.post('/devices/:id/identities/:fingerprint/reinstate', async (c) => {
  const { id, fingerprint } = c.req.param()
  const known = await c.env.DEVICE.getByName(id).reinstateIdentity(fingerprint.toLowerCase())
  return known
    ? c.json({})
    : errorJson(`${id} never had an identity with the fingerprint ${fingerprint}`, 404)
})

/** Refuses an identity from its next message on; the device keeps its profile, and gets 400. */
ownFace.post('/devices/:id/identities/:fingerprint/revoke', async (c) => {
  const { id, fingerprint } = c.req.param()
  const known = await c.env.DEVICE.getByName(id).revokeIdentity(fingerprint.toLowerCase())
  return known
    ? c.json({})
    : errorJson(`${id} never had an identity with the fingerprint ${fingerprint}`, 404)
})

/** Confirms that a device is gone, such as the one whose serial number another device bears now. */
ownFace.post('/devices/:id/retire', async (c) => {
  const id = c.req.param('id')
  if (!(await c.env.DEVICE.getByName(id).retire())) {
    return errorJson(`no device has the id ${id}`, 404)
  }
  await projectDevices(c.env, [id])
  return c.json({})
})
