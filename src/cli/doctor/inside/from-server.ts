import { ApiError } from '../../api-client.ts'
import { askProbe } from '../ask.ts'
import type { DoctorContext, DoctorVerdict } from '../check.ts'
import { type CheckFault, combineFaults, serverFault } from '../findings.ts'

/** What a check of the doctor asks the server. */
export interface ServerQuestion {
  /** Ids of checks of `GET /api/health`. */
  readonly health: readonly string[]
  /** A probe, which runs if they find nothing. */
  readonly probe?: 'objects' | 'queue' | 'push'
  /** The same with the probe `devices`: ids of its findings. */
  readonly sampled?: readonly string[]
  /** A key that may not probe still gets a verdict. */
  readonly isSampleOptional?: true
}

/** @throws ApiError for a key that may not ask, and for a server without the probe */
export async function askInside(
  context: DoctorContext,
  { health: ids, probe, sampled = [], isSampleOptional }: ServerQuestion,
): Promise<DoctorVerdict> {
  const health = await readServerHealth(context, ids)
  if (health.kind === 'unknown') {
    return { level: 'skip', seen: health.reason }
  }
  if (health.faults.length > 0 || (probe === undefined && sampled.length === 0)) {
    return combineFaults(health.faults, 'the server finds nothing')
  }
  const asked = probe === undefined ? context.devices() : askProbe(context, probe)
  const { seen, findings } = await asked.catch((error: unknown) => {
    if (isSampleOptional && lacksScope(error)) {
      return { seen: 'the key lacks scope config to look at devices', findings: [] }
    }
    throw error
  })
  const found = findings.filter(({ id }) => probe !== undefined || sampled.includes(id))
  return combineFaults(found.map(serverFault), seen)
}

/** The server knows the key, and refuses what the key may not do. */
export function lacksScope(error: unknown): error is ApiError {
  return error instanceof ApiError && error.message.includes('lacks scope')
}

type HealthFaults =
  | { readonly kind: 'known'; readonly faults: readonly CheckFault[] }
  | { readonly kind: 'unknown'; readonly reason: string }

/** What the server's own checks of these ids find. */
export async function readServerHealth(
  context: DoctorContext,
  ids: readonly string[],
): Promise<HealthFaults> {
  if (ids.length === 0) {
    return { kind: 'known', faults: [] }
  }
  const health = await context.health().catch((error: unknown) => {
    if (error instanceof ApiError) {
      return undefined
    }
    throw error
  })
  if (!health) {
    return { kind: 'unknown', reason: 'they need 9' }
  }
  const checks = health.checks.filter(({ id, known }) => known && ids.includes(id))
  const faults = checks.flatMap(({ id, findings }) =>
    findings.map((finding): CheckFault => {
      // A server that has never had a push certificate is not broken: it is not finished.
      const isUnfinished = id === 'push.binding' && health.push_topic === null
      return { ...serverFault(finding), ...(isUnfinished && { level: 'warn' }) }
    }),
  )
  const unknown = ids.filter((id) => checks.every((check) => check.id !== id))
  return faults.length === 0 && unknown.length > 0
    ? { kind: 'unknown', reason: `the server does not know about ${unknown.join(', ')}` }
    : { kind: 'known', faults }
}
