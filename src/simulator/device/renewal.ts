/** A device's behaviour when an enrolment profile is pushed to it while it has one. */
import type { PlistDict } from '../../plist/value.ts'
import { errorReport } from './answers/context.ts'
import type { InstalledItems } from './answers/installed.ts'
import {
  type EnrollmentProfile,
  obtainIdentity,
  readEnrollmentProfile,
  profileRefusal,
  type ScepClient,
} from './enrolment.ts'
import { ScepRefusedError } from './scep.ts'
import { describeFailure } from './session.ts'
import { type ServerAnswer, isDelivered, type Wire } from './wire.ts'

export interface ManagementOptions {
  readonly wire: Wire
  readonly name: string
  /** The profile that the device has; undefined when it enrolled without one. */
  readonly profile: EnrollmentProfile | undefined
  readonly scep: ScepClient
  /** The items on the device channel. */
  installed(): InstalledItems
  /** Authenticate and TokenUpdate. */
  enroll(): Promise<ServerAnswer>
}

export interface Management {
  profile(): EnrollmentProfile | undefined
  /** Installs a pushed profile, and returns the result. */
  renew(pushed: PlistDict): Promise<PlistDict>
}

/**
 * Replaces the enrolment profile of a device. A pushed profile is checked for values that may not change.
 * Then the device gets the new identity and checks in with it, before it answers the command. After a
 * failure the old profile and its identity are restored (Apple: "Install Profile Command").
 */
export function createManagement(options: ManagementOptions): Management {
  const { wire, name, scep } = options
  let { profile } = options

  async function renew(pushed: PlistDict): Promise<PlistDict> {
    const before = { identity: wire.identity, state: wire.state }
    try {
      const update = readEnrollmentProfile(pushed)
      const refusal = profile && profileRefusal(profile, update)
      if (refusal !== undefined) {
        return errorReport('MCInstallationErrorDomain', 4001, refusal)
      }
      wire.identity = await obtainIdentity(update, scep, name)
      const delivery = await options.enroll()
      if (!isDelivered(delivery)) {
        throw new Error(`the server answered HTTP ${delivery.status}`)
      }
      profile = update
      options.installed().profiles.set(update.identifier, pushed)
      return { Status: 'Acknowledged' }
    } catch (error) {
      wire.identity = before.identity
      wire.state = wire.state === 'unmanaged' ? wire.state : before.state
      return error instanceof ScepRefusedError
        ? errorReport('MCSCEPErrorDomain', 22013, error.message)
        : errorReport('MCInstallationErrorDomain', 4000, describeFailure(error))
    }
  }

  return { profile: () => profile, renew }
}
