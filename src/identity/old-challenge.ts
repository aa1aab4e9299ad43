import { clock } from '../clock.ts'
import type { Config } from '../config/config.ts'
import type { IssuedCertificate } from '../directory/certificates.ts'
import { ownerOf } from '../directory/identities.ts'
import { takeTurn } from '../directory/devices/renewals.ts'
import { log, warn } from '../log.ts'
import { isDueForRenewal, renewalWindow } from '../scep/renewal.ts'
import { projectDevices } from '../directory/devices/project.ts'
import { assumedProfile, renewDevice, type RenewalEnv } from './renew-device.ts'
import type { RenewalAttempt } from '../device/enrolment/renewal.ts'

/** The settings for renewals that count here. */
export interface RenewalRules {
  readonly enabled: boolean
  /** Why renewals stopped; empty while they go on. */
  readonly stopped: string
  readonly unknownProfiles: string
}

/** The most renewals of a device by this way: a stranger may know the challenge too. */
const RETRY_AFTER = 86_400_000

/**
 * Near the end of its certificate a Mac requests another one with a new key and its old challenge
 * (docs/certificates.md, SCEP). The profile shows that challenge to its readers, so it leads to no
 * certificate. Instead, the server sends the renewal profile to the enrolment: only the device gets it. If
 * that is not possible, an event reports it.
 */
export async function renewByProfile(
  env: RenewalEnv,
  config: Config,
  old: IssuedCertificate,
  loadRules: () => Promise<RenewalRules>,
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
  const attempt = await attemptFor(env, config, id, await loadRules())
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
  env: RenewalEnv,
  config: Config,
  id: string,
  { enabled, stopped, unknownProfiles }: RenewalRules,
): Promise<RenewalAttempt> {
  if (enabled && stopped === '') {
    const assumed = await assumedProfile(env.DB, unknownProfiles)
    return renewDevice(env, config, id, assumed, { face: 'server' })
  }
  const device = env.DEVICE.getByName(id)
  const { kind } = await device.renewalFacts()
  const reason = `renewals are off (PATCH /api/renewals): ${stopped || 'not enabled'}`
  // A renewal that an admin sent is on its way.
  return device.attemptRenewal(kind === 'pending' ? { kind } : { kind: 'blocked', reason })
}
