import { platformOf } from '../apple/platform.ts'
import type { SetupCandidate, SetupOccasion } from '../blueprints/select.ts'
import { depStanding } from '../directory/dep/standing.ts'
import type { DeviceFacts } from '../mdm/message.ts'

/** A device whose setup begins. */
export interface SetupDevice extends SetupOccasion {
  /** UDID or EnrollmentID. */
  readonly id: string
  /** As the device reports it. */
  readonly serial: string
  /** Without proof, no condition about the serial number or its account holds. */
  readonly serialProven: boolean
  readonly facts: Omit<DeviceFacts, 'SerialNumber'>
  /** The query of the URL that it enrolled with. */
  readonly params: Readonly<Record<string, string>>
  /** The address of this server without a slash at its end: devices get manifests of the repository there. */
  readonly origin: string
}

/** What is known of the device for the choice of blueprints. */
export async function candidateOf(
  d1: D1Database,
  {
    serial,
    serialProven,
    facts,
    params,
  }: Pick<SetupDevice, 'serial' | 'serialProven' | 'facts' | 'params'>,
): Promise<SetupCandidate> {
  const { ProductName, Model, ModelName, OSVersion } = facts
  const proven =
    serialProven && serial !== '' ? { serial, dep: await depStanding(d1, serial) } : undefined
  return {
    platform: platformOf(ProductName) ?? '',
    osVersion: OSVersion,
    models: [...new Set([ProductName, Model, ModelName])].filter((name) => name !== ''),
    params,
    ...(proven && { proven }),
  }
}
