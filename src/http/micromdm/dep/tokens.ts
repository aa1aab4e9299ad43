import { bytesField } from '../../../commands/go-fields.ts'
import { importTokenFile, newDepKey } from '../../../dep-account/import.ts'
import { listAccounts } from '../../../directory/dep/accounts.ts'
import { listDepKeys } from '../../../directory/dep/keys.ts'
import { rfc3339 } from '../../../events/event.ts'
import type { DepToken } from '../../../dep/records.ts'
import { newApp } from '../../app-env.ts'
import { RequestError } from '../../request-error.ts'
import { goJson, readObject, type AdminContext } from '../request.ts'

/** `/v1/dep-tokens` (docs/micromdm.md). */
export const v1DepTokens = newApp()

const PATH = '/v1/dep-tokens'
/** In place of a secret. */
const MASK = '********'

/** The newest account comes first: `mdmctl` writes only the first token to its file. */
v1DepTokens.get(PATH, async (c) => {
  const accounts = await listAccounts(c.env.DB)
  const tokens = await Promise.all(accounts.map(({ id }) => c.env.DEP.getByName(id).token()))
  const known = tokens.filter((token) => token !== undefined)
  const [key = await newDepKey(c.env, c.var.config)] = await listDepKeys(c.env.DB)
  return goJson({
    dep_tokens: known.length === 0 ? null : known.map((token) => tokenJson(c, token)),
    public_key: key.certificate,
  })
})

v1DepTokens.put(PATH, async (c) => {
  const file = bytesField(await readObject(c), 'p7m_content', 'applyDEPTokenRequest')
  const imported = await importTokenFile(c.env, c.var.config, file ?? new Uint8Array())
  if (imported.kind === 'refused') {
    throw new RequestError(imported.error)
  }
  return goJson({})
})

/** The names and the order of Apple's own JSON. Without DEP_EXPORT_TOKENS the secrets are masked. */
function tokenJson(c: AdminContext, token: DepToken) {
  const shown = (secret: string) => (c.var.config.exportsDepTokens ? secret : MASK)
  return {
    consumer_key: token.consumerKey,
    consumer_secret: shown(token.consumerSecret),
    access_token: shown(token.accessToken),
    access_secret: shown(token.accessSecret),
    access_token_expiry: rfc3339(token.expiresAt),
  }
}
