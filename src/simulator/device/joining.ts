/** How new devices of a fleet get their identity and their addresses. */
import type { KeyObject } from 'node:crypto'
import type { Platform } from '../../apple/platform.ts'
import {
  downloadProfile,
  type EnrollmentAddress,
  type EnrollmentProfile,
  obtainIdentity,
} from './enrolment.ts'
import { createIdentity, type SimulatedIdentity, type Issuer } from './identity.ts'
import type { ScepFetch } from './scep.ts'
import type { SetupMemory } from './setup.ts'

export interface Joined extends EnrollmentAddress {
  readonly identity: SimulatedIdentity
  readonly profile?: EnrollmentProfile
  /** Absent for a device that enrols after Setup Assistant. */
  readonly setup?: SetupMemory
}

/** A new device before it enrols. */
export interface JoiningDevice {
  /** The name in its certificate: its UDID. */
  readonly name: string
  readonly key: KeyObject
  readonly serial: string
  readonly platform: Platform
  readonly osVersion: string
}

/** Gives a device its enrolment data. @throws Error */
export type Join = (device: JoiningDevice) => Promise<Joined>

/** For devices of which the server learns nothing beforehand. */
export type JoinUnknown = (device: Pick<JoiningDevice, 'name' | 'key'>) => Promise<Joined>

/**
 * As on people's devices: the profile from its URL, then SCEP. `server` is the address of both for this
 * machine.
 */
export function joinByProfile(options: {
  readonly fetch: ScepFetch
  readonly profileUrl: string
  readonly server: string
}): JoinUnknown {
  const { fetch, profileUrl, server } = options
  return async ({ name, key }) => {
    const profile = await downloadProfile(fetch, profileUrl)
    const identity = await obtainIdentity(profile, { fetch, server, key }, name)
    return { ...profile, identity, profile }
  }
}

/** With an identity from a CA of our own, and without a profile. */
export function joinByCA(
  ca: Issuer,
  enrollment: EnrollmentAddress,
  clock = () => new Date(),
): JoinUnknown {
  return async ({ name, key }) => ({
    ...enrollment,
    identity: createIdentity({ ca, commonName: name, key, now: clock() }),
  })
}
