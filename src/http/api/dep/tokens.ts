import { z } from '../zod.ts'
import { importTokenFile, newDepKey } from '../../../dep-account/import.ts'
import { warn } from '../../../log.ts'
import { pem } from '../../../pki/x509/issue.ts'
import { decodeBase64 } from '../../../plist/base64.ts'
import { faultAt, RequestError } from '../../request-error.ts'
import { newRoutes } from '../new-routes.ts'
import { answer, body, operation } from '../operation.ts'
import { iso, time } from '../values.ts'
import { depAccountJson } from './detail.ts'
import { DEP_ACCOUNT_EXAMPLE, DEP_TAGS as tags, depAccountSchema } from './schema.ts'

/** The exchange of a certificate of this server for a token of Apple. */
export const depTokenRoutes = newRoutes()

const keySchema = z
  .object({
    id: z.string().openapi({ description: 'the certificate’s serial number' }),
    certificate: z.string().openapi({ description: 'PEM: upload it at business.apple.com' }),
    created_at: time,
  })
  .openapi('DepKey')

depTokenRoutes.openapi(
  operation('createDepKey', 'post', '/dep/keys', {
    tags,
    summary: 'Makes a key pair, and shows its certificate for Apple',
    description:
      'Upload the certificate to the server entry at business.apple.com, and download the token there. The ' +
      'keys in use stay: a token for any of them can be imported.',
    answers: {
      201: answer('the certificate', keySchema, {
        id: '00a1b2c3d4e5f60718293a4b5c6d7e8f90',
        certificate: '-----BEGIN CERTIFICATE-----\nMIIC…\n-----END CERTIFICATE-----\n',
        created_at: '2026-11-28T09:00:00.000Z',
      }),
    },
  }),
  async (c) => {
    const { serial: id, certificate, createdAt } = await newDepKey(c.env, c.var.config)
    const key = { id, certificate: pem('CERTIFICATE', certificate), created_at: iso(createdAt) }
    return c.json(key, 201)
  },
)

const wanted = z.strictObject({
  p7m_content: z
    .string()
    .openapi({ description: 'the token file of Apple (`.p7m`), its bytes in base64' }),
})

depTokenRoutes.openapi(
  operation('importDepToken', 'post', '/dep/tokens', {
    tags,
    summary: 'Imports a token of Apple: a new account, or a new token of one',
    description:
      'The server asks Apple for the account before it puts the token in place. The first sync follows ' +
      'at once.',
    body: body(wanted, {
      file: { p7m_content: 'Q29udGVudC1UeXBlOiBhcHBsaWNhdGlvbi9wa2NzNy1taW1lCg==' },
    }),
    answers: { 200: answer('the account', depAccountSchema, DEP_ACCOUNT_EXAMPLE) },
    problems: {
      409: 'the file is no token for one of the certificates, or Apple refuses it: `detail` says which',
    },
  }),
  async (c) => {
    const file = decodeBase64(c.req.valid('json').p7m_content, '\r\n')
    if (typeof file === 'number') {
      throw faultAt('json.p7m_content', `no base64: its character ${file + 1} is out of place`)
    }
    const imported = await importTokenFile(c.env, c.var.config, file)
    if (imported.kind === 'refused') {
      throw new RequestError(imported.error, 'dep_refused')
    }
    const { account } = imported
    warn('dep:token-imported', { account: account.id, server: account.serverName })
    return c.json(depAccountJson(account), 200)
  },
)
