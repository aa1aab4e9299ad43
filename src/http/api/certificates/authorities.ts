import { z } from '../zod.ts'
import { clock } from '../../../clock.ts'
import {
  installAuthority,
  listAuthorities,
  type ListedAuthority,
  removeAuthority,
} from '../../../directory/authorities.ts'
import { warn } from '../../../log.ts'
import {
  type Authority,
  authorityWarning,
  certifyAuthority,
  checkAuthority,
} from '../../../pki/x509/authority.ts'
import { pem } from '../../../pki/x509/issue.ts'
import { OwnError } from '../../../reason.ts'
import { RequestError } from '../../request-error.ts'
import { listOf, wholeList } from '../paging.ts'
import { answer, body, DONE, operation, pathId } from '../operation.ts'
import { iso, time } from '../values.ts'
import { newRoutes } from '../new-routes.ts'

/** The certificate authorities. The API takes their keys and never shows them. */
export const authorityRoutes = newRoutes()

const tags = ['Certificate authorities']
const PEM = '-----BEGIN CERTIFICATE-----\nMIIB…\n-----END CERTIFICATE-----\n'
const KEY_ID = 'b064408e58ec0f981b737f22e40bcb6f43a265ac5af9502b7b9eb0dea1fba48d'

const authority = z
  .object({
    id: z.string().openapi({ description: 'SHA-256 of its public key, hexadecimal' }),
    subject: z.string(),
    fingerprint: z.string(),
    valid_from: time,
    expires_at: time,
    issues: z.boolean().openapi({ description: 'it issues new identities' }),
    imported: z.boolean(),
    added_at: time,
    issued: z.int().openapi({ description: 'how many certificates' }),
    certificate: z.string().openapi({ description: 'PEM' }),
    warning: z.string().nullable(),
  })
  .openapi('CertificateAuthority')

const EXAMPLE: z.input<typeof authority> = {
  id: KEY_ID,
  subject: 'CN=EdgeMDM device CA',
  fingerprint: '3f0a1c5e7b9d2f4a6c8e0b1d3f5a7c9e1b3d5f7a9c0e2b4d6f8a1c3e5b7d9f0a',
  valid_from: '2026-11-24T00:00:00.000Z',
  expires_at: '2036-11-24T00:00:00.000Z',
  issues: true,
  imported: false,
  added_at: '2026-11-24T09:00:00.000Z',
  issued: 0,
  certificate: PEM,
  warning: null,
}

authorityRoutes.openapi(
  operation('listAuthorities', 'get', '/ca', {
    tags,
    summary: 'Lists the certificate authorities of this server, newest first',
    answers: { 200: listOf('the first one issues', authority, EXAMPLE) },
  }),
  async (c) => c.json(wholeList(await described(c.env.DB)), 200),
)

const newAuthority = z.strictObject({
  certificate: z.string().optional().openapi({
    description: 'PEM; the server makes one for the next ten years if left out',
  }),
  private_key: z.string().openapi({ description: 'PEM, RSA' }),
  imported: z
    .boolean()
    .optional()
    .openapi({
      description:
        'it issued at another server before, for example at MicroMDM; true if left out, and false without ' +
        '`certificate`',
    }),
  next_serial: z
    .int()
    .min(1)
    .optional()
    .openapi({ description: 'the serial number to continue with; random ones if left out' }),
})

authorityRoutes.openapi(
  operation('installAuthority', 'post', '/ca', {
    tags,
    summary: 'Installs a CA, which issues from now on; the server still accepts the others',
    description:
      '`npm run ca` creates and sends one. The key is sealed, and never shown again. A caller that makes ' +
      'only a key, such as a browser, leaves `certificate` out.',
    body: body(newAuthority, {
      own: {
        certificate: PEM,
        private_key: '-----BEGIN PRIVATE KEY-----\nMIIE…\n-----END PRIVATE KEY-----\n',
        imported: false,
      },
    }),
    answers: { 201: answer('the CA; it issues from now on', authority, EXAMPLE) },
    problems: { 400: 'this is no CA, or the key does not belong to it' },
  }),
  async (c) => {
    const wanted = c.req.valid('json')
    const { certificate, imported = certificate !== undefined, next_serial: nextSerial } = wanted
    const now = clock.now()
    if (imported && certificate === undefined) {
      throw new RequestError('a CA that has issued has a certificate: send it', 400)
    }
    const given = givenAuthority(wanted, now)
    const facts = { imported, nextSerial, now }
    await installAuthority(c.env.DB, c.var.config.sealer, given, facts)
    const { keyId, notAfter } = given.certificate
    warn('ca:installed', { key_id: keyId, not_after: iso(notAfter) })
    const [installed] = await described(c.env.DB)
    if (!installed) {
      throw new OwnError('the CA was not stored')
    }
    return c.json(installed, 201)
  },
)

/** @throws RequestError */
function givenAuthority(wanted: z.infer<typeof newAuthority>, now: number): Authority {
  const { certificate, private_key: key } = wanted
  const check =
    certificate === undefined ? certifyAuthority(key, now) : checkAuthority(certificate, key)
  if (!check.ok) {
    throw new RequestError(check.error, 400)
  }
  return check.authority
}

authorityRoutes.openapi(
  operation('removeAuthority', 'delete', '/ca/{id}', {
    tags,
    summary: 'Removes a CA: the server no longer accepts its certificates',
    params: pathId(z.string(), 'a CA’s id, as the list shows it', KEY_ID),
    answers: { 204: DONE },
    problems: { 404: 'no such CA', 409: 'it is the CA that issues' },
  }),
  async (c) => {
    const keyId = c.req.valid('param').id.toLowerCase()
    const [issuing, ...others] = await listAuthorities(c.env.DB)
    if (issuing?.certificate.keyId === keyId) {
      throw new RequestError('this CA issues: install its successor first', 'authority_in_use')
    }
    if (!others.some(({ certificate }) => certificate.keyId === keyId)) {
      throw new RequestError(`there is no CA with the id ${keyId}`, 'authority_not_found')
    }
    await removeAuthority(c.env.DB, keyId)
    warn('ca:removed', { key_id: keyId })
    return c.body(null, 204)
  },
)

async function described(db: D1Database): Promise<z.input<typeof authority>[]> {
  const now = clock.now()
  const all = await listAuthorities(db)
  return all.map((one, index) => describe(one, index === 0, now))
}

function describe(
  listed: ListedAuthority,
  issues: boolean,
  now: number,
): z.input<typeof authority> {
  const { certificate, imported, addedAt, issued } = listed
  const warning = issues ? authorityWarning(certificate, now) : undefined
  return {
    id: certificate.keyId,
    subject: certificate.subjectText,
    fingerprint: certificate.fingerprint,
    valid_from: iso(certificate.notBefore),
    expires_at: iso(certificate.notAfter),
    issues: issues && certificate.notAfter > now,
    imported,
    added_at: iso(addedAt),
    issued,
    certificate: pem('CERTIFICATE', certificate.der),
    warning: warning ?? null,
  }
}
