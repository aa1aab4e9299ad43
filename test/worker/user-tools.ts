import type { SimulatedDevice } from '../../src/simulator/device/device.ts'
import { api, enrolled } from './server.ts'

export const newUserId = (): string => crypto.randomUUID().toUpperCase()

export const queue = (udid: string, uuid: string, type = 'ProfileList') =>
  api('POST', '/v1/commands', { udid, request_type: type, command_uuid: uuid })

/** A Mac with a user whose channel is there. */
export async function withUser(userId = newUserId(), options: Parameters<typeof enrolled>[0] = {}) {
  const device = await enrolled(options)
  const user = device.userChannel({ userId, shortName: 'ada' })
  await user.tokenUpdate()
  return { device, user, userId, id: `${device.udid}:${userId}` }
}

export async function received(
  channel: Pick<SimulatedDevice, 'poll' | 'received'>,
): Promise<string[]> {
  await channel.poll()
  return channel.received.map(({ uuid }) => uuid)
}
