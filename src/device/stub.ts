import type { Device } from './object.ts'

/** A device object as its callers see it, over RPC. */
export type DeviceStub = Omit<Device, 'alarm'>

export interface DeviceNamespace {
  getByName(name: string): DeviceStub
}
