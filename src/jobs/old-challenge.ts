import { clock } from '../clock.ts'
import type { Config } from '../config/config.ts'
import { type IssuedCertificate, ownerOf } from '../directory/certificates.ts'
import { takeTurn } from '../directory/devices/renewals.ts'
import { log, warn } from '../log.ts'
import { isDueForRenewal, renewalWindow } from '../scep/renewal.ts'
import { projectDevices } from '../directory/devices/project.ts'
import { assumedProfile, renewDevice, type RenewalEnv } from '../identity/renew-device.ts'
import { RENEWALS, type Renewals } from './renewals.ts'
import type { RenewalAttempt } from '../device/enrolment/renewal.ts'

interface OldChallengeEnv extends RenewalEnv {
  readonly RENEWALS: { getByName(name: string): Pick<Renewals, 'status'> }
}

/** Strangers may know the challenge too, so they get a device no more than this often renewed. */
const RETRY_AFTER = 86_400_000

/**
 * A Mac renews with a new key and the challenge that its present certificate came from, near the end of that (docs/certificates.md).
 * Anybody may who ever read its profile, so it gets nothing by that. In place of it the enrolment is sent its renewal profile, which only
 * the device itself is given; or admins hear that it needs one.
 */
export async function renewByProfile(
  env: OldChallengeEnv,
  config: Config,
  old: IssuedCertificate,
): Promise<void> {
  const now = clock.now()
  const id = isDueForRenewal(old, now) ? await ownerOf(env.DB, old.fingerprint) : undefined
  if (id === undefined) {
    return
  }
  const due = {
    endsBefore: now + renewalWindow(config.scep.clientValidity),
    triedBefore: now - RETRY_AFTER,
  }
  if (!(await takeTurn(env.DB, id, due, now))) {
    return
  }
  const attempt = await attemptFor(env, config, id)
  await projectDevices(env, [id])
  if (attempt.kind === 'blocked') {
    warn('scep:renewal-needed', { device: id, reason: attempt.reason })
    await env.DEVICE.getByName(id).renewalNeeded(crypto.randomUUID())
  } else {
    const reason = 'it asked with its old challenge'
    log('renewals:device', { device: id, outcome: attempt.kind, reason })
  }
}

async function attemptFor(
  env: OldChallengeEnv,
  config: Config,
  id: string,
): Promise<RenewalAttempt> {
  const { enabled, stopped, unknownProfiles } = await env.RENEWALS.getByName(RENEWALS).status()
  if (enabled && stopped === '') {
    const assumed = await assumedProfile(env.DB, unknownProfiles)
    return renewDevice(env, config, id, assumed, { face: 'server' })
  }
  const device = env.DEVICE.getByName(id)
  const { kind } = await device.renewalFacts()
  const reason = `renewals are off (PATCH /api/renewals): ${stopped || 'not enabled'}`
  // An admin's own is on its way.
  return device.attemptRenewal(kind === 'pending' ? { kind } : { kind: 'blocked', reason })
}
