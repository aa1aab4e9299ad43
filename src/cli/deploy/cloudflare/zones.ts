/** The zones of an account, in which its custom domains are. */
import { DeployStop } from '../failures.ts'
import type { CloudAccount } from './account.ts'
import type { CloudflareApi } from './api.ts'
import { ifForbidden, parsed } from './lists.ts'

/**
 * Wrangler would find it missing after the upload, when the server already names the host.
 *
 * @param hosts names that the Worker does not have yet
 * @throws DeployStop for one without a zone. A token that may not read zones is not asked further
 */
export async function refuseWithoutZone(
  { api, account }: CloudAccount,
  hosts: readonly string[],
): Promise<void> {
  for (const host of hosts) {
    if ((await hasZone(api, account.id, host)) === false) {
      throw new DeployStop(
        2,
        `the account ${account.name} has no zone for ${host}`,
        'check the spelling, or add the domain to the account. A token needs Workers Routes Edit there',
      )
    }
  }
}

/** Undefined for a token that may not know. */
async function hasZone(
  api: CloudflareApi,
  account: string,
  host: string,
): Promise<boolean | undefined> {
  for (const name of zoneNames(host)) {
    const text = await api.read(`/zones?name=${name}&account.id=${account}`).catch(ifForbidden)
    const { result }: { result: readonly unknown[] | undefined } = parsed(text, undefined)
    if (result?.length !== 0) {
      return result && true
    }
  }
  return false
}

/** The host and its parents, but no top-level domain. */
function zoneNames(host: string): readonly string[] {
  const labels = host.split('.')
  return labels.slice(0, -1).map((_, from) => labels.slice(from).join('.'))
}
