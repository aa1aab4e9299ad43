/** A simulated device between two runs of its program. */
import { Buffer } from 'node:buffer'
import type { Platform } from '../../apple/platform.ts'
import { asDict } from '../../plist/dict.ts'
import { readPlist } from '../../plist/read.ts'
import type { PlistDict } from '../../plist/value.ts'
import { writePlistText } from '../../plist/write.ts'
import type { SimulatedDevice } from '../device/device.ts'
import { readEnrollmentProfile, urlAtServer } from '../device/enrolment.ts'
import { identityFromPem, identityToPem } from '../device/identity.ts'
import type { SetupMemory } from '../device/setup.ts'
import type { ManagementState } from '../device/wire.ts'

/** A device in a form that survives a restart. It holds the private key, so it is a secret. */
export interface DeviceMemory {
  readonly platform: Platform
  readonly osVersion: string
  readonly udid: string
  readonly serial: string
  readonly certificate: string
  readonly privateKey: string
  readonly serverUrl: string
  readonly checkInUrl?: string
  readonly topic: string
  /** XML of the enrolment profile; empty for a device that enrolled without one. */
  readonly profile: string
  /** Hex. */
  readonly token: string
  readonly magic: string
  readonly state: ManagementState
  /** Whether it is managed by declarations: it fetches them anew. */
  readonly declarative: boolean
  /** Absent for devices that enrolled after Setup Assistant. */
  readonly setup?: SetupMemory
}

/** What has changed of a device since `memory` was written. */
export function newsOf(device: SimulatedDevice, memory: DeviceMemory): DeviceMemory {
  const installed = device.enrollmentProfile()
  return {
    ...memory,
    ...identityToPem(device.identity()),
    osVersion: device.osVersion,
    profile: installed ? writePlistText(installed.profile) : '',
    token: Buffer.from(device.token).toString('hex'),
    magic: device.magic,
    state: device.state(),
    declarative: device.declarative.isOn,
    ...(memory.setup && { setup: device.setup() }),
  }
}

/** The options that continue a device. */
export function asRemembered(memory: DeviceMemory, server: string) {
  const { platform, osVersion, udid, serial, topic, state, checkInUrl, profile, setup } = memory
  return {
    platform,
    osVersion,
    udid,
    serial,
    topic,
    state,
    wasDeclarative: memory.declarative,
    serverUrl: urlAtServer(memory.serverUrl, server),
    ...(checkInUrl === undefined ? {} : { checkInUrl: urlAtServer(checkInUrl, server) }),
    ...(setup && { setup }),
    ...(profile === '' ? {} : { profile: readEnrollmentProfile(profileIn(profile)) }),
    identity: identityFromPem(memory),
    push: { token: Buffer.from(memory.token, 'hex'), magic: memory.magic },
  }
}

function profileIn(xml: string): PlistDict {
  return asDict(readPlist(new TextEncoder().encode(xml)))
}
