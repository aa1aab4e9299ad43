import { expect } from 'vitest'
import type { PlistDict } from '../../src/plist/value.ts'
import { writePlist } from '../../src/plist/write.ts'
import type { SimulatedDevice } from '../../src/simulator/device/device.ts'
import { serve, TOPIC } from './server.ts'

const NANO = `Basic ${btoa('nanomdm:test-key')}`

/** A request as NanoMDM's tools send it. */
export function migrate(
  body: PlistDict | Uint8Array<ArrayBuffer> | string,
  authorization = NANO,
  method = 'PUT',
): Promise<Response> {
  const bytes =
    typeof body === 'string' || body instanceof Uint8Array ? body : new Uint8Array(writePlist(body))
  return serve('/migration', {
    method,
    headers: { authorization },
    ...(method === 'GET' || method === 'HEAD' ? {} : { body: bytes }),
  })
}

type Channel = Pick<SimulatedDevice, 'ids' | 'token' | 'magic'>

/** The messages that the other server has of a device. */
export const authenticateOf = ({ ids, serial, osVersion }: SimulatedDevice): PlistDict => ({
  ...ids,
  MessageType: 'Authenticate',
  Topic: TOPIC,
  SerialNumber: serial,
  OSVersion: osVersion,
})
export const tokenUpdateOf = ({ ids, token, magic }: Channel, more: PlistDict = {}): PlistDict => ({
  ...ids,
  MessageType: 'TokenUpdate',
  Topic: TOPIC,
  Token: token,
  PushMagic: magic,
  ...more,
})
export const bootstrapOf = ({ ids }: Pick<Channel, 'ids'>, token: Uint8Array): PlistDict => ({
  ...ids,
  MessageType: 'SetBootstrapToken',
  BootstrapToken: token,
})

export const BOOTSTRAP = new Uint8Array(24).fill(7)

/** All that the other server has of a device, in the order in which its tools send it. */
export async function replay(device: SimulatedDevice, ...users: readonly Channel[]): Promise<void> {
  const messages = [
    authenticateOf(device),
    tokenUpdateOf(device, { UnlockToken: new Uint8Array(64).fill(3) }),
    bootstrapOf(device, BOOTSTRAP),
    ...users.map((user) => tokenUpdateOf(user)),
  ]
  for (const message of messages) {
    const response = await migrate(message)
    expect(await response.text()).toBe('')
    expect(response.status).toBe(200)
  }
}
