import { createRoute, z } from '@hono/zod-openapi'
import { projectDevices } from '../../delivery/consumer.ts'
import { nameText } from '../../pki/name.ts'
import type { ListedIdentity } from '../../device/admin.ts'
import { rfc3339 } from '../../events/event.ts'
import { AdminError } from '../at-device.ts'
import { deviceItself, knownDevice } from './device-id.ts'
import { PROOF_NAMES } from '../../device/proof.ts'
import { answer, deviceId, newRoutes, refusal } from './frame.ts'

/** A device's certificates, and the end of its enrolment by an admin's word. */
export const identities = newRoutes()

const tags = ['Identities']
const fingerprint = z.string().openapi({
  param: { name: 'fingerprint', in: 'path' },
  description: 'SHA-256 of the certificate, hexadecimal; the event `identity_conflict` names it',
  example: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
})
const identityParams = z.object({ id: deviceId, fingerprint })
export const identitySchema = z
  .object({
    fingerprint: z.string(),
    subject: z.string(),
    not_after: z.iso.datetime(),
    standing: z.enum(['current', 'earlier', 'frozen', 'revoked']).openapi({
      description: '`frozen`: it enrolled with this id, and another one is the device',
    }),
    proof: z.enum(PROOF_NAMES).nullable().openapi({
      description:
        'why it counts as the device’s own (docs/security.md, “Proof”); null while it is contested',
    }),
  })
  .openapi('Identity')

export function identityJson(identity: ListedIdentity): z.input<typeof identitySchema> {
  return {
    fingerprint: identity.fingerprint,
    subject: nameText(Buffer.from(identity.subject, 'hex')),
    not_after: rfc3339(identity.notAfter),
    standing: identity.standing,
    proof: identity.proof || null,
  }
}

const done = answer('done', z.object({}), {})

identities.openapi(
  createRoute({
    method: 'get',
    path: '/devices/{id}/identities',
    operationId: 'listIdentities',
    tags,
    summary: 'A device’s certificates: current, of an earlier enrolment, frozen, or revoked',
    request: { params: z.object({ id: deviceId }) },
    responses: {
      200: answer(
        'its certificates, oldest first',
        z.object({
          identities: z.array(identitySchema),
        }),
        {
          identities: [
            {
              fingerprint: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
              subject: 'CN=device 1',
              not_after: '2027-11-24T00:00:00Z',
              standing: 'current',
              proof: 'first',
            },
          ],
        },
      ),
      404: refusal('nothing is known of such a device'),
    },
  }),
  async (c) => {
    const { identities: listed } = await knownDevice(c.env, c.req.valid('param').id)
    return c.json({ identities: listed.map(identityJson) }, 200)
  },
)

identities.openapi(
  createRoute({
    method: 'post',
    path: '/devices/{id}/identities/{fingerprint}/reinstate',
    operationId: 'reinstateIdentity',
    tags,
    summary: 'Accepts a certificate of an earlier enrolment again',
    request: { params: identityParams },
    responses: { 200: done, 404: refusal('the device never had this certificate') },
  }),
  async (c) => {
    const params = c.req.valid('param')
    const { id } = await deviceItself(c.env, params.id)
    const device = c.env.DEVICE.getByName(id)
    known(await device.reinstateIdentity(params.fingerprint.toLowerCase()), params)
    await projectDevices(c.env, [id])
    return c.json({}, 200)
  },
)

identities.openapi(
  createRoute({
    method: 'post',
    path: '/devices/{id}/identities/{fingerprint}/revoke',
    operationId: 'revokeIdentity',
    tags,
    summary:
      'Refuses a certificate from the next message on; the device keeps its profile, and gets 400',
    request: { params: identityParams },
    responses: { 200: done, 404: refusal('the device never had this certificate') },
  }),
  async (c) => {
    const params = c.req.valid('param')
    const { id } = await deviceItself(c.env, params.id)
    const device = c.env.DEVICE.getByName(id)
    known(await device.revokeIdentity(params.fingerprint.toLowerCase()), params)
    await projectDevices(c.env, [id])
    return c.json({}, 200)
  },
)

identities.openapi(
  createRoute({
    method: 'post',
    path: '/devices/{id}/retire',
    operationId: 'retireDevice',
    tags: ['Devices'],
    summary: 'The device is gone: it is pushed no more, until it is heard of again',
    description: 'Such as one whose serial number another device bears now.',
    request: { params: z.object({ id: deviceId }) },
    responses: { 200: done, 404: refusal('no such device') },
  }),
  async (c) => {
    const { id } = await deviceItself(c.env, c.req.valid('param').id)
    if (!(await c.env.DEVICE.getByName(id).retire())) {
      throw new AdminError(`no device has the id ${id}`, 'device_not_found')
    }
    await projectDevices(c.env, [id])
    return c.json({}, 200)
  },
)

function known(found: boolean, { id, fingerprint: named }: z.infer<typeof identityParams>): void {
  if (!found) {
    throw new AdminError(
      `${id} never had an identity with the fingerprint ${named}`,
      'identity_not_found',
    )
  }
}
