import { Hono } from 'hono'
import { adminAuth } from '../admin-auth.ts'
import type { AppEnv } from '../app-env.ts'
import { errorJson } from '../error-json.ts'
import { ca } from './ca.ts'

/** EdgeMDM's own admin routes: what MicroMDM has no words for. */
export const ownFace = new Hono<AppEnv>().basePath('/api')

ownFace.use(adminAuth)
ownFace.route('/', ca)

/** Accepts an identity of an earlier enrolment again; the event `identity_conflict` names its certificate. */
ownFace.post('/devices/:id/identities/:fingerprint/reinstate', async (c) => {
  const { id, fingerprint } = c.req.param()
  const known = await c.env.DEVICE.getByName(id).reinstateIdentity(fingerprint.toLowerCase())
  return known
    ? c.json({})
    : errorJson(`${id} never had an identity with the fingerprint ${fingerprint}`, 404)
})
