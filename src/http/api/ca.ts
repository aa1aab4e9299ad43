import { createRoute, z } from '@hono/zod-openapi'
import {
  installAuthority,
  listAuthorities,
  type ListedAuthority,
  removeAuthority,
} from '../../directory/authorities.ts'
import { warn } from '../../log.ts'
import { checkAuthority, expiryWarning } from '../../pki/authority.ts'
import { pem } from '../../pki/issue.ts'
import { AdminError } from '../at-device.ts'
import { answer, body, newRoutes, refusal } from './frame.ts'

/** The certificate authorities: listed, and the next one installed. Keys come in and never go out. */
export const ca = newRoutes()

const tags = ['Certificates']
const MAX_PEM = 50_000
const KEY_ID = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'

const authority = z
  .object({
    key_id: z.string().openapi({ description: 'SHA-256 of its public key' }),
    subject: z.string(),
    fingerprint: z.string(),
    not_before: z.iso.datetime(),
    not_after: z.iso.datetime(),
    issues: z.boolean(),
    imported: z.boolean(),
    added_at: z.iso.datetime(),
    issued: z.int().openapi({ description: 'how many certificates it issued here' }),
    certificate: z.string().openapi({ description: 'PEM' }),
    warning: z.string().optional().openapi({ description: 'from 180 days before its end on' }),
  })
  .openapi('Authority')
const authorities = z.object({ authorities: z.array(authority) })
const LIST: z.infer<typeof authorities> = {
  authorities: [
    {
      key_id: KEY_ID,
      subject: 'O=EdgeMDM, CN=EdgeMDM CA 2026-11-24',
      fingerprint: KEY_ID,
      not_before: '2026-11-24T00:00:00.000Z',
      not_after: '2036-11-24T00:00:00.000Z',
      issues: true,
      imported: false,
      added_at: '2026-11-24T00:00:00.000Z',
      issued: 412,
      certificate: '-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n',
    },
  ],
}

ca.openapi(
  createRoute({
    method: 'get',
    path: '/ca',
    operationId: 'listAuthorities',
    tags,
    summary: 'The certificate authorities, the issuing one first',
    responses: { 200: answer('all of them', authorities, LIST) },
  }),
  async (c) => c.json(await listed(c.env.DB, Date.now()), 200),
)

const installation = z
  .object({
    certificate: z.string().max(MAX_PEM).openapi({ description: 'PEM' }),
    private_key: z
      .string()
      .max(MAX_PEM)
      .openapi({ description: 'PEM of its RSA key, PKCS#1 or PKCS#8, not encrypted' }),
    imported: z
      .boolean()
      .default(true)
      .openapi({ description: 'brought along: profiles with a static challenge are in the field' }),
    next_serial: z.int().positive().optional().openapi({
      description: 'where its serial counter goes on; random serial numbers without it',
    }),
  })
  .openapi('NewAuthority')
const PAIR = {
  certificate: '-----BEGIN CERTIFICATE-----…',
  private_key: '-----BEGIN PRIVATE KEY-----…',
}

ca.openapi(
  createRoute({
    method: 'post',
    path: '/ca',
    operationId: 'installAuthority',
    tags,
    summary: 'Installs the one that issues from now on; the others go on being accepted',
    request: {
      body: body(installation, {
        'a new one': { ...PAIR, imported: false },
        'MicroMDM’s': { ...PAIR, next_serial: 412 },
      }),
    },
    responses: {
      201: answer('all of them', authorities, LIST),
      400: refusal('the pair is no certificate authority; the text says why'),
    },
  }),
  async (c) => {
    const { certificate, private_key: privateKey, imported, next_serial } = c.req.valid('json')
    const check = checkAuthority(certificate, privateKey)
    if (!check.ok) {
      throw new AdminError(check.error, 400)
    }
    const now = Date.now()
    const facts = { imported, nextSerial: next_serial, now }
    await installAuthority(c.env.DB, c.var.config.sealer, check.authority, facts)
    const { keyId, notAfter } = check.authority.certificate
    warn('ca:installed', { key_id: keyId, not_after: new Date(notAfter).toISOString() })
    return c.json(await listed(c.env.DB, now), 201)
  },
)

ca.openapi(
  createRoute({
    method: 'delete',
    path: '/ca/{key_id}',
    operationId: 'removeAuthority',
    tags,
    summary: 'Accepts its certificates no longer; devices that are known go on',
    description: 'Ends a rotation, or the harm that a lost key can do.',
    request: {
      params: z.object({
        key_id: z.string().openapi({ param: { name: 'key_id', in: 'path' }, example: KEY_ID }),
      }),
    },
    responses: {
      200: answer('done', z.object({}), {}),
      404: refusal('there is no such CA'),
      409: refusal('it issues: its successor has to be installed first'),
    },
  }),
  async (c) => {
    const keyId = c.req.valid('param').key_id.toLowerCase()
    const [issuing, ...others] = await listAuthorities(c.env.DB)
    if (issuing?.certificate.keyId === keyId) {
      throw new AdminError('this CA issues: install its successor first', 409)
    }
    if (!others.some(({ certificate }) => certificate.keyId === keyId)) {
      throw new AdminError(`there is no CA with the key id ${keyId}`, 404)
    }
    await removeAuthority(c.env.DB, keyId)
    warn('ca:removed', { key_id: keyId })
    return c.json({}, 200)
  },
)

async function listed(db: D1Database, now: number): Promise<z.infer<typeof authorities>> {
  const all = await listAuthorities(db)
  return { authorities: all.map((one, index) => described(one, index === 0, now)) }
}

function described(one: ListedAuthority, issues: boolean, now: number): z.infer<typeof authority> {
  const { certificate, imported, addedAt, issued } = one
  const warning = issues ? expiryWarning(certificate, now) : undefined
  return {
    key_id: certificate.keyId,
    subject: certificate.subjectText,
    fingerprint: certificate.fingerprint,
    not_before: new Date(certificate.notBefore).toISOString(),
    not_after: new Date(certificate.notAfter).toISOString(),
    issues: issues && certificate.notAfter > now,
    imported,
    added_at: new Date(addedAt).toISOString(),
    issued,
    certificate: pem('CERTIFICATE', certificate.der),
    ...(warning === undefined ? {} : { warning }),
  }
}
