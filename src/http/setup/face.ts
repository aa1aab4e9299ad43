import { forgetClaim } from '../../config/claim.ts'
import { configOf } from '../../config/config.ts'
import { readSetupCode } from '../../config/setup-code.ts'
import type { ClaimPending } from '../../control/claim.ts'
import { CONTROL_NAME } from '../../figures/report.ts'
import { firstKeys } from '../../keys/claimed.ts'
import { SCOPES } from '../../keys/scopes.ts'
import { warn } from '../../log.ts'
import { auditDone } from '../access/audited.ts'
import type { Deed } from '../access/deed.ts'
import { forgetKeys } from '../access/view.ts'
import { newApp, type AppContext } from '../app-env.ts'
import { coarseNetworkOf } from '../caller.ts'
import { errorResponse } from '../errors.ts'
import { ownOrigin } from '../host.ts'
import { notReady } from '../not-ready.ts'
import { RequestError } from '../request-error.ts'
import { alreadyClaimed, rightCode } from './code.ts'
import { claimPage } from './page.ts'

/** How the owner of a new server gets its first keys (docs/claim.md). The routes have no gate. */
export const setupFace = newApp()

const NOT_STORED = { 'cache-control': 'no-store' }
/** The route has no gate that would audit it. */
const CLAIMED: Deed = {
  action: 'server.claim',
  scope: 'admin',
  via: 'api',
  target: undefined,
  detail: {},
  isWritten: false,
  isTrial: false,
}

/** The page of a new server. */
setupFace.get('/setup', (c) => {
  const result = configOf(c.env)
  if (result.ok) {
    return errorResponse(c.req.path, 'not_found', 'this server is claimed: its owner has the keys')
  }
  return result.why === 'unclaimed' ? claimPage(c.env) : notReady(c, result)
})

/** For programs. It tells a stranger no more than the page does. */
setupFace.get('/setup/state', (c) => {
  const result = configOf(c.env)
  if (!result.ok && result.why === 'unreadable') {
    return notReady(c, result)
  }
  const claimed = result.ok || result.why !== 'unclaimed'
  return c.json({ claimed, code: readSetupCode({ ...c.env }).kind }, 200, NOT_STORED)
})

/** Shows the keys that a confirmation will store: the same ones for the same code. */
setupFace.post('/setup/claim', async (c) => {
  const code = await rightCode(c)
  if (code instanceof Response) {
    return code
  }
  const { apiKey, ring } = firstKeys(code, saltOf(await controlOf(c).beginClaim()))
  warn('claim:shown', { from: coarseNetworkOf(c) })
  const url = ownOrigin(c)
  return c.json({ api_key: apiKey.text, seal_keys: ring, url }, 200, NOT_STORED)
})

/** Claims the server with the keys that the same code was shown, once. */
setupFace.post('/setup/confirm', async (c) => {
  const code = await rightCode(c)
  if (code instanceof Response) {
    return code
  }
  const { apiKey, ring } = firstKeys(code, saltOf(await controlOf(c).pendingClaim()))
  const { id, secretHash } = apiKey
  const { kind } = await controlOf(c).confirmClaim({ ring, key: { id, secretHash } })
  forgetClaim(c.env)
  if (kind !== 'claimed') {
    throw alreadyClaimed()
  }
  forgetKeys()
  warn('claim:confirmed', { key: id, from: coarseNetworkOf(c) })
  c.set('caller', { id, name: 'setup', scopes: SCOPES })
  c.set('deed', CLAIMED)
  await auditDone(c)
  return c.json({ claimed: true }, 200, NOT_STORED)
})

function controlOf({ env }: AppContext) {
  return env.CONTROL.getByName(CONTROL_NAME)
}

/** @throws RequestError */
function saltOf(pending: ClaimPending): Uint8Array {
  if (pending.kind === 'already_claimed') {
    throw alreadyClaimed()
  }
  if (pending.kind === 'not_begun') {
    throw new RequestError(
      'no keys were shown yet: POST /setup/claim with the code, and keep what it answers',
      'conflict',
    )
  }
  return pending.salt
}
