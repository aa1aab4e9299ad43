/** Finds the device that a challenge is for, by the identity that requests it. */
import { certificateFacts } from '../directory/certificate-facts.ts'
import { isListed } from '../directory/devices/rows.ts'
import type { MachineInfo } from '../enroll/machine-info.ts'
import type { ReachEnv } from '../device/reach.ts'
import { bindingOf, type Subject } from '../pki/seal/challenge.ts'

type Proven =
  | { readonly ok: true; readonly subject: Subject }
  | { readonly ok: false; readonly reason: string }

/**
 * The device that has an identity of ours: the one that the identity's own challenge was bound to. Only the
 * identity signs the values in this request, so they have to be the same.
 */
export async function provenSubject(
  env: ReachEnv,
  fingerprint: string,
  { udid, serial }: MachineInfo,
): Promise<Proven> {
  const { owner = '', issued } = await certificateFacts(env.DB, fingerprint)
  if (issued && issued.profile > 0) {
    return { ok: false, reason: 'the identity is one of an enrolment, and none of phase 2' }
  }
  const bound = issued?.binding ?? { udid: '', serial: '' }
  const said = bindingOf({ udid, serial })
  if (!allows(bound.udid, said.udid) || !allows(bound.serial, said.serial)) {
    return { ok: false, reason: 'the identity was issued for another device' }
  }
  // No object is created for an id that is only claimed.
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

/** Whether a device, or that identity of it, must not get a challenge. */
export async function isDeviceShutOut(
  env: ReachEnv,
  device: string,
  fingerprint = '',
): Promise<boolean> {
  return device !== '' && env.DEVICE.getByName(device).isShutOut(fingerprint)
}
