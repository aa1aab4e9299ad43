import type { Context } from 'hono'
import { clock } from '../../../clock.ts'
import { type MachineInfo, readMachineInfo } from '../../../enroll/machine-info.ts'
import { openSignedPlist, whoSigned } from '../../../enroll/signed-plist.ts'
import { PlistError } from '../../../plist/error.ts'
import type { AppEnv } from '../../app-env.ts'
import { readBody } from '../../body.ts'
import { type EnrollAllowed, serialRefusal } from './access.ts'
import { identityIssuer } from '../../../identity/issuer.ts'

/** A MachineInfo with its certificates has about 6 KB. */
const MAX_SIGNED_BYTES = 100_000

type SignedInfo =
  | {
      readonly ok: true
      readonly by: 'apple' | 'identity'
      readonly fingerprint: string
      readonly info: MachineInfo
    }
  | { readonly ok: false; readonly status: 400 | 403 | 413; readonly reason: string }

/**
 * The signed MachineInfo in a POST. 400 if it is unreadable, or if its signer is neither an Apple device nor
 * one of our identities; 403 if the device may not enrol.
 */
export async function signedInfo(c: Context<AppEnv>, access: EnrollAllowed): Promise<SignedInfo> {
  const body = await readBody(c.req.raw, MAX_SIGNED_BYTES)
  if (body === undefined) {
    return { ok: false, status: 413, reason: `the body is longer than ${MAX_SIGNED_BYTES} bytes` }
  }
  const signed = openSignedPlist(body)
  if (!signed.ok) {
    return { ...signed, status: 400 }
  }
  const { config } = c.var
  const { appleDeviceCAs } = config.enrollment
  const by = whoSigned(
    signed.signer,
    { apple: appleDeviceCAs, identity: await identityIssuer(c.env, config).anchors() },
    clock.now(),
  )
  if (by.kind === 'stranger') {
    return { ok: false, status: 400, reason: by.reason }
  }
  try {
    const info = readMachineInfo(signed.content)
    const reason = await serialRefusal(c.env.DB, access, info.serial)
    return reason === undefined
      ? { ok: true, by: by.kind, fingerprint: signed.signer.fingerprint, info }
      : { ok: false, status: 403, reason }
  } catch (error) {
    if (error instanceof PlistError) {
      return { ok: false, status: 400, reason: `MachineInfo: ${error.message}` }
    }
    throw error
  }
}
