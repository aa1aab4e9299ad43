import { api, enrolled } from './server.ts'

/** A command that the device refused, and the device. */
async function refused() {
  const device = await enrolled({
    osVersion: '15.1',
    answer: ({ requestType }) => (requestType === 'RestartDevice' ? 'Error' : undefined),
  })
  const path = `/api/devices/${device.udid}/commands`
  const { body } = await api<{ id: string }>('POST', path, { request_type: 'RestartDevice' })
  await device.poll()
  return { ids: { id: body.id } }
}

/** A Mac that is locked with a PIN. */
async function lockedMac() {
  const device = await enrolled()
  const path = `/api/devices/${device.udid}/commands`
  await api('POST', path, { request_type: 'DeviceLock', pin: '123456' })
  await device.poll()
  return { ids: { id: device.udid } }
}

async function known() {
  const device = await enrolled({ osVersion: '15.1' })
  return { ids: { id: device.udid } }
}

/** What the operations behind a device's page need (openapi-tools.ts). */
export const DEVICE_PAGE = {
  retryCommand: refused,
  refreshDevice: known,
  listSecretCommands: lockedMac,
}
