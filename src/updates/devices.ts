import { deviceProgress, type UpdateDeviceState } from '../ddm/updates/device.ts'
import { listUpdateDevices, type ListedUpdateDevice } from '../directory/updates/fleet.ts'
import type { StoredPolicy } from '../directory/updates/policies.ts'

export interface PolicyDevice {
  readonly device: ListedUpdateDevice
  readonly progress: UpdateDeviceState
}

/** Rows of D1 in one answer. */
const PAGE_ROWS = 5000

/**
 * Devices of a policy behind an id, in the order of their ids; `next` is the id behind which more may be.
 */
export async function policyDevices(
  d1: D1Database,
  { policy, targets }: StoredPolicy,
  after: string,
  now: number,
): Promise<{ readonly devices: readonly PolicyDevice[]; readonly next: string | undefined }> {
  const rows = await listUpdateDevices(d1, policy, { after, limit: PAGE_ROWS })
  return {
    devices: rows.flatMap((device) => {
      const progress = deviceProgress(policy, targets, device, now)
      return progress ? [{ device, progress }] : []
    }),
    next: rows.length < PAGE_ROWS ? undefined : rows.at(-1)?.id,
  }
}
