import type { Config } from '../config/config.ts'
import { isAdminKey } from '../control/keys.ts'
import type { DepHealth } from '../dep-account/status.ts'
import { pushCertificateInUse } from '../device/push/certificate.ts'
import { listAccounts } from '../directory/dep/accounts.ts'
import { directoryCondition, type DirectoryCondition } from '../directory/health/condition.ts'
import { sealedKeys, type SealedWith } from '../directory/health/sealed.ts'
import type { Env } from '../env.ts'
import { CONTROL_NAME } from '../figures/report.ts'
import { warn } from '../log.ts'
import { reasonOf } from '../reason.ts'

/** An account of Apple Business Manager. */
export interface AccountHealth extends DepHealth {
  readonly name: string
}

/** What only `GET /api/health` looks at. A fact is `undefined` if it could not be read. */
export interface InsideFacts {
  /** The address of the request, without a slash at the end. */
  readonly address: string
  readonly config: Config
  /** Whether a key with the scope `admin` is good. */
  readonly hasAdminKey: boolean | undefined
  /** The topic of pushes; empty while it is not known. */
  readonly topic: string
  readonly condition: DirectoryCondition | undefined
  readonly accounts: readonly AccountHealth[] | undefined
  readonly sealed: readonly SealedWith[] | undefined
}

export async function insideFacts(
  env: Env,
  config: Config,
  { address, now }: { readonly address: string; readonly now: number },
): Promise<InsideFacts> {
  const { topic } = await pushCertificateInUse(env, config, now)
  const [keys, condition, accounts, sealed] = await Promise.all([
    known(env.CONTROL.getByName(CONTROL_NAME).listKeys()),
    known(directoryCondition(env.DB)),
    known(accountsOf(env)),
    known(sealedKeys(env.DB)),
  ])
  const hasAdminKey = keys?.some((key) => isAdminKey(key, now))
  return { address, config, hasAdminKey, topic, condition, accounts, sealed }
}

async function accountsOf({ DB, DEP }: Env): Promise<readonly AccountHealth[]> {
  const rows = await listAccounts(DB)
  const found = rows.map(async ({ id, organization, serverName }) => {
    const health = await DEP.getByName(id).health()
    const name = [organization, serverName].filter((part) => part !== '').join(', ') || id
    return health ? [{ ...health, name }] : []
  })
  return (await Promise.all(found)).flat()
}

async function known<Answer>(call: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await call
  } catch (error) {
    warn('health:not-gathered', { reason: reasonOf(error) })
    return undefined
  }
}
