import { createSimulatedDevice, type DeviceOptions } from '../../src/simulator/device/device.ts'
import { joinByProfile } from '../../src/simulator/device/joining.ts'
import { newKey } from '../../src/simulator/device/identity.ts'
import { fetchAlone } from '../e2e/server.ts'
import { CONSOLE_KEY } from './setup.ts'

/** A device of a test’s own at the shared server. It connects when the test says so. */
export async function joinDevice(server: string, options: Partial<DeviceOptions> = {}) {
  const udid = crypto.randomUUID().toUpperCase()
  const join = joinByProfile({
    fetch: fetchAlone,
    server,
    profileUrl: `${server}/mdm/enroll`,
  })
  const joined = await join({ name: udid, key: newKey('rsa') })
  const device = createSimulatedDevice({
    fetch: fetchAlone,
    platform: 'macOS',
    udid,
    serial: `C02${udid.slice(0, 9).replace('-', 'X')}`,
    ...joined,
    ...options,
  })
  await device.enroll()
  return device
}

/** A call of the API with the key of the tests. */
export async function callApi<Body>(
  server: string,
  method: string,
  path: string,
  body?: object,
): Promise<Body> {
  const response = await fetchAlone(server + path, {
    method,
    headers: {
      authorization: `Basic ${btoa(`micromdm:${CONSOLE_KEY}`)}`,
      'content-type': 'application/json',
    },
    ...(body && { body: JSON.stringify(body) }),
  })
  if (!response.ok) {
    throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the test says what it asks for
  return (await response.json()) as Body
}
