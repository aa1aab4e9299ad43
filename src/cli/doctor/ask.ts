import { type AdminAccess, callApi } from '../api-client.ts'
import { CliError } from '../error.ts'
import type { DoctorContext, ProbeAnswer } from './check.ts'

export interface Asked {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** Any answer of the server, which is not followed elsewhere. @throws Error when there is none */
export async function askServer(
  { url, fetch: fetchIt }: Pick<DoctorContext, 'url' | 'fetch'>,
  path: string,
  init: RequestInit = {},
): Promise<Asked> {
  const response = await fetchIt(url + path, init)
  return { status: response.status, headers: response.headers, text: await response.text() }
}

/** For calls of the admin API, with the key of the context. */
export function doctorAccess({ url, key = '', fetch: fetchIt }: DoctorContext): AdminAccess {
  return { url, apiKey: key, fetch: fetchIt }
}

/** Lets the server try a part of itself (docs/health.md). @throws CliError */
export async function askProbe(
  context: DoctorContext,
  probe: 'objects' | 'queue' | 'push' | 'devices',
  body: { readonly sample?: number } = {},
): Promise<ProbeAnswer> {
  const init = { method: 'POST', body: JSON.stringify(body) }
  const path = `/api/health/probes/${probe}`
  const answer: unknown = JSON.parse(await callApi(doctorAccess(context), path, init))
  if (!isProbeAnswer(answer)) {
    throw new CliError(`${path} does not answer as EdgeMDM does, so something else answers there`)
  }
  return answer
}

function isProbeAnswer(answer: unknown): answer is ProbeAnswer {
  return (
    hasText(answer, 'seen') &&
    'findings' in answer &&
    Array.isArray(answer.findings) &&
    answer.findings.every(
      (one) => hasText(one, 'id') && hasText(one, 'text') && hasText(one, 'fix'),
    )
  )
}

function hasText<Name extends string>(value: unknown, name: Name): value is Record<Name, string> {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, name) === 'string'
}
