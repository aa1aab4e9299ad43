import type { DoctorContext, DoctorVerdict } from '../check.ts'
import { type CheckFault, combineFaults, serverFault } from '../findings.ts'

const IDS: ReadonlySet<string> = new Set(['config', 'api.key'])

/** Check 9: no setting is at fault, and PUBLIC_URL is the address of the server. */
export async function checkConfig(context: DoctorContext): Promise<DoctorVerdict> {
  const { checks, public_url: publicUrl = null } = await context.health()
  const own = checks.filter(({ id }) => IDS.has(id))
  return combineFaults(
    [
      ...own.flatMap(({ findings }) => findings.map(serverFault)),
      ...addressFaults(context, publicUrl),
    ],
    publicUrl === null ? 'the settings fit' : `PUBLIC_URL is ${publicUrl}`,
  )
}

/** A local server is reached at any address, so it does not compare them itself. */
function addressFaults(
  { url, isLocal }: DoctorContext,
  publicUrl: string | null,
): readonly CheckFault[] {
  return isLocal && publicUrl !== null && publicUrl !== url
    ? [
        {
          level: 'fail',
          seen: `PUBLIC_URL is ${publicUrl}: profiles send devices there`,
          fix: `set PUBLIC_URL to ${url}, or check the other address with --server ${publicUrl}`,
        },
      ]
    : []
}
