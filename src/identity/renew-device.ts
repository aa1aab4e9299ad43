import { clock } from '../clock.ts'
import type { Config } from '../config/config.ts'
import type { DeviceNamespace } from '../device/stub.ts'
import type { QueuedBy } from '../device/store/commands/queued-by.ts'
import type { RenewalAttempt, RenewalFacts } from '../device/enrolment/renewal.ts'
import { newChallenge } from '../directory/challenges.ts'
import { storedProfile } from '../directory/profiles.ts'
import { type AssumedProfile, planRenewal } from '../enroll/renewal-profile.ts'
import { signProfile } from '../enroll/sign-profile.ts'
import { signedContent } from '../pki/cms/cms.ts'
import { asDict } from '../plist/dict.ts'
import { tryToRead } from '../plist/error.ts'
import { readPlist } from '../plist/read.ts'
import { writePlist } from '../plist/write.ts'

export interface RenewalEnv {
  readonly DEVICE: DeviceNamespace
  readonly DB: D1Database
}

/** The value of `unknown_profiles` for the profile that this server and MicroMDM make. */
export const OWN_PROFILE = 'default'

/**
 * Sends a device the profile that renews its identity: the profile that it has, with a challenge that is
 * valid for this enrolment only. When the profile cannot be made again, the renewal is blocked, with a reason
 * on the device's row.
 */
export async function renewDevice(
  env: RenewalEnv,
  config: Config,
  id: string,
  assumed: AssumedProfile,
  by: QueuedBy,
): Promise<RenewalAttempt> {
  const device = env.DEVICE.getByName(id)
  const facts = await device.renewalFacts()
  const attempt = await attemptFor(env, config, facts, assumed)
  if (attempt.kind !== 'sent') {
    return device.attemptRenewal(attempt)
  }
  const command = { ...attempt.command, by: { ...by, renewal: true as const } }
  return device.attemptRenewal({ ...attempt, command })
}

/** The profile that `unknown_profiles` names; none when there is no such profile. */
export async function assumedProfile(db: D1Database, named: string): Promise<AssumedProfile> {
  if (named === '') {
    return { kind: 'none' }
  }
  if (named === OWN_PROFILE) {
    return { kind: 'own' }
  }
  const stored = await storedProfile(db, named)
  if (!stored) {
    return { kind: 'none' }
  }
  const { mobileconfig } = stored
  const profile = tryToRead(() => asDict(readPlist(signedContent(mobileconfig) ?? mobileconfig)))
  return profile ? { kind: 'stored', profile } : { kind: 'none' }
}

async function attemptFor(
  env: RenewalEnv,
  config: Config,
  facts: RenewalFacts,
  assumed: AssumedProfile,
): Promise<RenewalAttempt> {
  if (facts.kind === 'unfit') {
    return { kind: 'blocked', reason: facts.reason }
  }
  if (facts.kind === 'pending') {
    return facts
  }
  const plan = planRenewal(facts, assumed)
  if (!plan.ok) {
    return { kind: 'blocked', reason: plan.reason }
  }
  const now = clock.now()
  const base = config.publicUrl || new URL(facts.profile?.serverUrl ?? facts.serverUrl).origin
  const profile = plan.write({
    scepUrl: `${base}/scep`,
    challenge: await newChallenge(env.DB, now, { renews: facts.identity }),
    newUuid: () => crypto.randomUUID(),
    organization: config.enrollment.organization,
  })
  const uuid = crypto.randomUUID()
  const Payload = signProfile(writePlist(profile), config.enrollment.profileSigner, now)
  const command = { RequestType: 'InstallProfile', Payload }
  return {
    kind: 'sent',
    command: {
      uuid,
      requestType: command.RequestType,
      payload: writePlist({ Command: command, CommandUUID: uuid }),
      // The profile is secret: its challenge gets an identity for anyone who reads it.
      secret: true,
      source: '',
    },
  }
}
