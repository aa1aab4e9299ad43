import { inTime } from '../clock.ts'
import type { DeviceNamespace } from '../device/stub.ts'
import { reasonOf } from '../reason.ts'
import { warn } from '../log.ts'
import { splitEnrollmentId } from '../mdm/enrollment.ts'

/** How long a probe waits for a device. */
const PATIENCE = 30_000

/**
 * Pushes some channels. Their devices report the answers of APNs to the circuit, as those of any push.
 * @returns the channels where no push was delivered.
 */
export async function pushChannels(
  devices: DeviceNamespace,
  channels: readonly string[],
): Promise<readonly string[]> {
  const reached = await Promise.all(channels.map((channel) => pushChannel(devices, channel)))
  return channels.filter((_, index) => !reached[index])
}

async function pushChannel(devices: DeviceNamespace, channel: string): Promise<boolean> {
  const { device, user } = splitEnrollmentId(channel)
  try {
    const answer = await inTime(PATIENCE, devices.getByName(device).push({ user, bare: false }))
    return answer.kind === 'pushed'
  } catch (error) {
    warn('push:device-unreachable', { device, reason: reasonOf(error) })
    return false
  }
}
