import type { CloudflareApi } from './api.ts'
import { parsed } from './lists.ts'

/**
 * The Worker that an account has at a host: an address at workers.dev, or a custom domain. A route of a zone
 * is not found.
 *
 * @throws CloudflareError
 */
export async function findWorkerAt(
  api: CloudflareApi,
  account: string,
  host: string,
): Promise<string | undefined> {
  const at = `/accounts/${account}/workers`
  if (host.endsWith('.workers.dev')) {
    const { result }: { result: { subdomain?: string } | null } = parsed(
      await api.read(`${at}/subdomain`),
      null,
    )
    const [worker, ...domain] = host.split('.')
    return domain.join('.') === `${result?.subdomain}.workers.dev` ? worker : undefined
  }
  const { result }: { result: readonly { hostname: string; service: string }[] } = parsed(
    await api.read(`${at}/domains?hostname=${encodeURIComponent(host)}`),
    [],
  )
  return result.find(({ hostname }) => hostname === host)?.service
}
