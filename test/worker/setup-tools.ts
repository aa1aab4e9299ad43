/** Blueprints for the tests, and devices that wait in Setup Assistant. */
import { storeBlueprint } from '../../src/directory/blueprints/blueprints.ts'
import type { Blueprint, BlueprintStep } from '../../src/blueprints/blueprint.ts'
import type { DeviceOptions, SimulatedDevice } from '../../src/simulator/device/device.ts'
import { clock } from './clock.ts'
import { env, newDevice } from './server.ts'

/** Stores a blueprint that only devices of a parameter get: the tests of a file share the server. */
export async function blueprint(
  steps: readonly BlueprintStep[],
  more: Partial<Blueprint> = {},
): Promise<{ readonly uuid: string; readonly bp: string }> {
  const uuid = crypto.randomUUID()
  const bp = uuid.slice(0, 8)
  const stored = {
    uuid,
    name: `Mac ${bp}`,
    apply_at: ['Enroll'],
    match: { param: { bp } },
    priority: 0,
    time_limit_s: 900,
    release: 'always' as const,
    reenroll: 'same' as const,
    steps,
    ...more,
  }
  await storeBlueprint(env.DB, stored, clock.now())
  return { uuid, bp }
}

/** A device that is to enrol with the parameter. */
export function enrolling(bp: string, options: Partial<DeviceOptions> = {}): SimulatedDevice {
  return newDevice({
    serverUrl: `http://mdm.test/mdm/connect?bp=${bp}`,
    checkInUrl: `http://mdm.test/mdm/checkin?bp=${bp}`,
    ...options,
  })
}

/** The same, in Setup Assistant: it waits for its setup. */
export async function waiting(
  bp: string,
  options: Partial<DeviceOptions> = {},
): Promise<SimulatedDevice> {
  const device = enrolling(bp, options)
  await device.authenticate()
  await device.tokenUpdate({ awaitingConfiguration: true })
  return device
}

async function held() {
  const { bp } = await blueprint([{ do: 'hold' }])
  const device = await waiting(bp)
  return { ids: { id: device.udid } }
}

/** What the examples of operations about setups speak of. */
export const SETUPS = {
  listSetups: held,
  steerSetup: held,
  rotateSetupPassword: held,
}
