/** An admin's view of renewals. */
import { readCertificate } from '../../src/pki/x509/certificate.ts'
import type { SimulatedDevice } from '../../src/simulator/device/device.ts'
import { api, until } from './server.ts'

interface Listed {
  id: string
  device_id: string
  expires_at: string
  renewal: { state: string; reason: string } | null
}
interface Status {
  state: string
  reason: string
  enabled: boolean
  due: number
  counts: Record<string, number>
}

/** Every identity of the deployment, those that end first first. */
export async function listed(query = ''): Promise<Listed[]> {
  const found: Listed[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const path: string = `/api/identities?limit=2${query}${cursor && `&cursor=${cursor}`}`
    const { body } = await api<{ items: Listed[]; next: string | null }>('GET', path)
    found.push(...body.items)
    cursor = body.next
  }
  return found
}

export const one = async (device: SimulatedDevice) =>
  (await listed()).find(({ device_id }) => device_id === device.udid)
export const renewalOf = (device: SimulatedDevice, state: string) =>
  until(
    () => one(device),
    (row) => row?.renewal?.state === state,
  )
export const renew = (device: SimulatedDevice) =>
  api<{ detail?: string; command_id?: string | null; command_uuid?: string | null }>(
    'POST',
    `/api/devices/${device.udid}/renew`,
  )
/** The origin of each of a device's commands, newest first. */
export const queuers = async ({ udid }: { udid: string }) =>
  (
    await api<{ items: { queued_by: object | null }[] }>('GET', `/api/devices/${udid}/commands`)
  ).body.items.map(({ queued_by }) => queued_by)
export const status = async () => (await api<Status>('GET', '/api/renewals')).body
export const set = (body: object) =>
  api<Status & { detail: string }>('PATCH', '/api/renewals', body)
export const fingerprintOf = (device: SimulatedDevice) =>
  readCertificate(device.identity().certificate).fingerprint
