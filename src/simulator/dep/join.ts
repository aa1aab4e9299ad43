/** Automated Device Enrollment as a device sees it (Apple: "MachineInfo"). */
import { randomBytes } from 'node:crypto'
import { signAttached } from '../../pki/cms/sign.ts'
import type { PlistDict } from '../../plist/value.ts'
import { writePlist } from '../../plist/write.ts'
import { downloadedProfile, obtainIdentity, urlAtServer } from '../device/enrolment.ts'
import { identityFromPem } from '../device/identity.ts'
import {
  createSimulatedDevice,
  type DeviceOptions,
  type SimulatedDevice,
} from '../device/device.ts'
import type { Join, Joined, JoiningDevice } from '../device/joining.ts'
import { DEFAULT_RELEASE, operatingSystem, versionIn } from '../device/os.ts'
import { HARDWARE, newUdid } from '../device/platforms.ts'
import type { ScepFetch } from '../device/scep.ts'
import { AWAITING, NOT_HELD } from '../device/setup.ts'
import type { DepActivation } from './portal/portal.ts'

type Activate = (serial: string) => Promise<DepActivation | undefined> | DepActivation | undefined

/**
 * The device activates, posts its signed MachineInfo to the URL of its profile, and installs the answer.
 * `server` is the address of the MDM server for this machine. The Worker has to trust the CA of the simulated
 * service (`APPLE_DEVICE_CA`).
 */
export function joinByDep(options: {
  readonly fetch: ScepFetch
  readonly server: string
  readonly activate: Activate
}): Join {
  const { fetch, server, activate } = options
  return async (device) => {
    const activation = await activate(device.serial)
    if (!activation) {
      throw new Error(`no profile is assigned to ${device.serial}`)
    }
    const { url, await_device_configured: awaits } = activation.profile
    const { certificate, privateKey } = identityFromPem(activation)
    const body = signAttached({
      certificate,
      privateKey,
      body: writePlist(machineInfoOf(device)),
      digest: 'sha256',
    })
    const response = await fetch(urlAtServer(String(url), server), {
      method: 'POST',
      headers: { 'Content-Type': 'application/pkcs7-signature' },
      body: new Uint8Array(body),
    })
    const profile = await downloadedProfile(response)
    const { name, key } = device
    const identity = await obtainIdentity(profile, { fetch, server, key }, name)
    return { ...profile, identity, profile, setup: awaits === true ? AWAITING : NOT_HELD }
  }
}

/** A new device that enrols by `join`. From there `walkThroughSetup` takes it to the desktop. */
export async function enrolNewDevice(
  join: Join,
  machine: Omit<JoiningDevice, 'name' | 'osVersion'>,
  options: Omit<DeviceOptions, keyof Joined | 'udid' | 'serial' | 'platform'>,
): Promise<SimulatedDevice> {
  const { serial, platform } = machine
  const { osVersion = versionIn(DEFAULT_RELEASE, platform), random = randomBytes } = options
  const udid = newUdid(platform, random)
  const joined = await join({ ...machine, name: udid, osVersion })
  const device = createSimulatedDevice({ ...options, ...joined, platform, osVersion, udid, serial })
  const { status } = await device.enroll()
  if (status !== 200) {
    throw new Error(`${serial} could not enrol: the server answered HTTP ${status}`)
  }
  return device
}

/** Activation by the portal of a service in another process. */
export function activateAtPortal(fetch: ScepFetch, depUrl: string): Activate {
  return async (serial) => {
    const response = await fetch(`${depUrl}/portal/devices/${serial}/activate`, {
      method: 'POST',
      headers: {},
      body: new Uint8Array(),
    })
    const text = new TextDecoder().decode(await response.arrayBuffer())
    if (response.status !== 200) {
      throw new Error(text.trim())
    }
    const activation: DepActivation = JSON.parse(text)
    return activation
  }
}

function machineInfoOf({ name, serial, platform, osVersion }: JoiningDevice): PlistDict {
  return {
    UDID: name,
    SERIAL: serial,
    PRODUCT: HARDWARE[platform].productName,
    VERSION: operatingSystem(platform, osVersion).build,
    OS_VERSION: osVersion,
    LANGUAGE: 'en',
    MDM_CAN_REQUEST_SOFTWARE_UPDATE: true,
    ...(platform === 'iOS' ? { IMEI: '35 000000 000000 0' } : {}),
  }
}
