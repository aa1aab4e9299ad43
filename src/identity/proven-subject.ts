/** Which device a challenge is for, by the identity that asks for it. */
import { certificateFacts } from '../directory/certificates.ts'
import { isListed } from '../directory/devices/rows.ts'
import type { MachineInfo } from '../enroll/machine-info.ts'
import type { ReachEnv } from '../device/reach.ts'
import { bindingOf, type Subject } from '../pki/seal/challenge.ts'

type Proven =
  | { readonly ok: true; readonly subject: Subject }
  | { readonly ok: false; readonly reason: string }

/**
 * The device that has an identity of ours: that of the challenge which the identity came from. What it says of itself here is signed by
 * nothing but the identity, and has to be the same.
 */
export async function provenSubject(
  env: ReachEnv,
  fingerprint: string,
  { udid, serial }: MachineInfo,
): Promise<Proven> {
  const { owner = '', issued } = await certificateFacts(env.DB, fingerprint, '')
  if (issued && issued.profile > 0) {
    return { ok: false, reason: 'the identity is one of an enrolment, and none of phase 2' }
  }
  const bound = issued?.binding ?? { udid: '', serial: '' }
  const said = bindingOf({ udid, serial })
  if (!allows(bound.udid, said.udid) || !allows(bound.serial, said.serial)) {
    return { ok: false, reason: 'the identity was issued for another device' }
  }
  // No object is made for what is only said to be a device.
  const isDevice = bound.udid !== '' || (await isListed(env.DB, udid))
  if (
    (await isDeviceShutOut(env, owner, fingerprint)) ||
    (isDevice && (await isDeviceShutOut(env, udid)))
  ) {
    return { ok: false, reason: 'the identity was revoked, or its device is blocked' }
  }
  const subject = {
    ...(bound.udid === '' ? {} : { udid }),
    ...(bound.serial === '' ? {} : { serial }),
  }
  return { ok: true, subject }
}

function allows(bound: string, said: string): boolean {
  return bound === '' || bound === said
}

/** Whether a device, or that identity of it, is to get no challenge. */
export async function isDeviceShutOut(
  env: ReachEnv,
  device: string,
  fingerprint = '',
): Promise<boolean> {
  return device !== '' && env.DEVICE.getByName(device).isShutOut(fingerprint)
}
