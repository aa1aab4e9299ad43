import { type CloudflareApi, CloudflareError } from '../../deploy/cloudflare/api.ts'
import type { DoctorVerdict } from '../check.ts'

/** A login that may not look is no fault of the server, and neither is an outage of Cloudflare's API. */
export async function whereAllowed(
  permission: string,
  look: () => Promise<DoctorVerdict>,
): Promise<DoctorVerdict> {
  try {
    return await look()
  } catch (error) {
    if (!(error instanceof CloudflareError)) {
      throw error
    }
    const isRefused = error.status === 401 || error.status === 403
    const seen = isRefused
      ? `the login may not look: use a token with the permission ${permission}`
      : `Cloudflare does not tell: ${error.message}`
    return { level: 'skip', seen }
  }
}

/** The `result` of an answer; `absent` where there is nothing. @throws CloudflareError */
export async function readResult<DoctorResult>(
  api: CloudflareApi,
  path: string,
  absent: DoctorResult,
): Promise<DoctorResult> {
  const text = await api.read(path)
  if (text === undefined) {
    return absent
  }
  const { result }: { result: DoctorResult } = JSON.parse(text)
  return result
}
