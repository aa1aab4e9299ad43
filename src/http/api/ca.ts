import { Hono } from 'hono'
import {
  installAuthority,
  listAuthorities,
  type ListedAuthority,
  removeAuthority,
} from '../../directory/authorities.ts'
import { warn } from '../../log.ts'
import { checkAuthority, expiryWarning } from '../../pki/authority.ts'
import { pem } from '../../pki/issue.ts'
import type { AppEnv } from '../app-env.ts'
import { AdminError } from '../at-device.ts'
import { readBody } from '../body.ts'

/** The certificate authorities: listed, and the next one installed. Keys come in and never go out. */
export const ca = new Hono<AppEnv>()

const MAX_BYTES = 100_000

/** What `npm run ca` sends. */
interface Installation {
  readonly certificate: string
  readonly privateKey: string
  readonly imported: boolean
  readonly nextSerial: number | undefined
}

ca.get('/ca', async (c) => {
  const now = Date.now()
  const all = await listAuthorities(c.env.DB)
  return c.json({ authorities: all.map((one, index) => described(one, index === 0, now)) })
})

/** The one that is installed issues from now on; the others go on being accepted. */
ca.post('/ca', async (c) => {
  const body = await readBody(c.req.raw, MAX_BYTES)
  const { certificate, privateKey, ...facts } = installationIn(body)
  const check = checkAuthority(certificate, privateKey)
  if (!check.ok) {
    throw new AdminError(check.error, 400)
  }
  const now = Date.now()
  await installAuthority(c.env.DB, c.var.config.sealer, check.authority, { ...facts, now })
  const { keyId, notAfter } = check.authority.certificate
  warn('ca:installed', { key_id: keyId, not_after: new Date(notAfter).toISOString() })
  const all = await listAuthorities(c.env.DB)
  return c.json({ authorities: all.map((one, index) => described(one, index === 0, now)) }, 201)
})

/** Ends a rotation, or the harm that a lost key can do: certificates of this CA are not accepted any more. */
ca.delete('/ca/:keyId', async (c) => {
  const keyId = c.req.param('keyId').toLowerCase()
  const [issuing, ...others] = await listAuthorities(c.env.DB)
  if (issuing?.certificate.keyId === keyId) {
    throw new AdminError('this CA issues: install its successor first', 409)
  }
  if (!others.some(({ certificate }) => certificate.keyId === keyId)) {
    throw new AdminError(`there is no CA with the key id ${keyId}`, 404)
  }
  await removeAuthority(c.env.DB, keyId)
  warn('ca:removed', { key_id: keyId })
  return c.json({})
})

function described(listed: ListedAuthority, issues: boolean, now: number) {
  const { certificate, imported, addedAt, issued } = listed
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

function installationIn(body: Uint8Array | undefined): Installation {
  let fields: unknown
  try {
    fields = JSON.parse(new TextDecoder().decode(body))
  } catch {
    throw new AdminError('the body is no JSON', 400)
  }
  const {
    certificate,
    private_key: privateKey,
    imported = true,
    next_serial: nextSerial,
  }: Record<string, unknown> = { ...(typeof fields === 'object' ? fields : {}) }
  if (
    typeof certificate !== 'string' ||
    typeof privateKey !== 'string' ||
    typeof imported !== 'boolean' ||
    !(nextSerial === undefined || isSerial(nextSerial))
  ) {
    throw new AdminError(
      'the body has to be {"certificate": PEM, "private_key": PEM}, with "next_serial" (a whole number above 0) and "imported" (true or false) as you like',
      400,
    )
  }
  return { certificate, privateKey, imported, nextSerial }
}

function isSerial(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0
}
