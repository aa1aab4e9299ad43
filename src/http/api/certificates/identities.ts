import { z } from '../zod.ts'
import { projectDevices } from '../../../directory/devices/project.ts'
import { nameText } from '../../../pki/x509/name.ts'
import type { DeviceIdentity } from '../../../device/enrolment/revocation.ts'
import type { DeviceStub } from '../../../device/stub.ts'
import { RequestError } from '../../request-error.ts'
import { deviceItself, knownDevice } from '../device-id.ts'
import { listOf, wholeList } from '../paging.ts'
import { proofWord } from '../words.ts'
import { answer, DEVICE_PARAMS, NO_DEVICE, operation } from '../operation.ts'
import { atOrNull, time } from '../values.ts'
import { newRoutes } from '../new-routes.ts'

/** A device's certificates. */
export const identityRoutes = newRoutes()

const tags = ['Identities']
const FINGERPRINT = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'
export const identityFields = {
  id: z.string().openapi({ description: 'SHA-256 of the certificate, hexadecimal' }),
  device_id: z.string(),
  expires_at: time,
}

const UNSEEN = 'null while only the fingerprint is known, from another server'

export const identitySchema = z
  .object({
    ...identityFields,
    expires_at: time.nullable().openapi({ description: UNSEEN }),
    subject: z.string().nullable().openapi({ description: UNSEEN }),
    state: z.enum(['current', 'earlier', 'frozen', 'revoked']).openapi({
      description:
        '`earlier`: of an earlier enrolment; `frozen`: it enrolled with this id, and another certificate ' +
        'is the device’s',
    }),
    proof: proofWord.nullable().openapi({
      description:
        'why it counts as the device’s own (docs/security.md, “Proof”); null while it is contested',
    }),
  })
  .openapi('Identity')

const EXAMPLE: z.input<typeof identitySchema> = {
  id: FINGERPRINT,
  device_id: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01',
  subject: 'CN=device 1',
  expires_at: '2027-11-24T00:00:00Z',
  state: 'current',
  proof: 'first',
}

export function identityJson(
  device: string,
  identity: DeviceIdentity,
): z.input<typeof identitySchema> {
  return {
    id: identity.fingerprint,
    device_id: device,
    subject: identity.subject ? nameText(Buffer.from(identity.subject, 'hex')) : null,
    expires_at: atOrNull(identity.notAfter),
    state: identity.standing,
    proof: identity.proof || null,
  }
}

identityRoutes.openapi(
  operation('listIdentities', 'get', '/devices/{id}/identities', {
    tags,
    summary: 'Lists a device’s certificates',
    params: DEVICE_PARAMS,
    answers: { 200: listOf('its certificates, oldest first', identitySchema, EXAMPLE) },
    problems: NO_DEVICE,
  }),
  async (c) => {
    const { id, identities } = await knownDevice(c.env, c.req.valid('param').id)
    return c.json(wholeList(identities.map((one) => identityJson(id, one))), 200)
  },
)

const identityParams = {
  ...DEVICE_PARAMS,
  identity_id: z.string().openapi({
    param: { name: 'identity_id', in: 'path' },
    description: 'an identity’s id; in events it is `fingerprint`',
    example: FINGERPRINT,
  }),
}

const ACTIONS: readonly {
  readonly verb: string
  readonly operationId: string
  readonly summary: string
  readonly act: (device: DeviceStub, fingerprint: string) => Promise<boolean>
}[] = [
  {
    verb: 'reinstate',
    operationId: 'reinstateIdentity',
    summary: 'Accepts a certificate of an earlier enrolment again',
    act: async (device, fingerprint) => device.reinstateIdentity(fingerprint),
  },
  {
    verb: 'revoke',
    operationId: 'revokeIdentity',
    summary:
      'Refuses a certificate from the next message on; the device keeps its profile, and gets 400',
    act: async (device, fingerprint) => device.revokeIdentity(fingerprint),
  },
]

for (const { verb, operationId, summary, act } of ACTIONS) {
  identityRoutes.openapi(
    operation(operationId, 'post', `/devices/{id}/identities/{identity_id}/${verb}`, {
      tags,
      summary,
      params: identityParams,
      answers: { 200: answer('the certificate', identitySchema, EXAMPLE) },
      problems: { 404: 'the device has no such certificate' },
    }),
    async (c) => {
      const params = c.req.valid('param')
      const { id } = await deviceItself(c.env, params.id)
      const fingerprint = params.identity_id.toLowerCase()
      const isFound = await act(c.env.DEVICE.getByName(id), fingerprint)
      await projectDevices(c.env, [id])
      const { identities } = await knownDevice(c.env, id)
      const identity = identities.find((one) => one.fingerprint === fingerprint)
      if (!isFound || !identity) {
        throw new RequestError(
          `${id} has no identity with the id ${params.identity_id}`,
          'identity_not_found',
        )
      }
      return c.json(identityJson(id, identity), 200)
    },
  )
}
