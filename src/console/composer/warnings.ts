/** What goes wrong with a command on a device, said before it is sent. */
import type { Schema } from '../api/types.ts'
import { isKeys, type DraftKeys } from './draft.ts'
import { kindOf, type DeviceFacts } from './facts.ts'

/** Kinds of the escrow that the server keeps of the present enrolment; undefined until that is known. */
export type KeptSecrets = ReadonlySet<string> | undefined

type Warn = (facts: DeviceFacts, kept: KeptSecrets, draft: DraftKeys) => string | false

const NO_PIN = 'Without a PIN this Mac locks with a code that is not kept here.'

const WARNINGS: Readonly<Record<string, readonly Warn[]>> = {
  DeviceLock: [
    ({ platform }, _kept, { PIN: pin }) => platform === 'macOS' && !pin && NO_PIN,
    (facts) =>
      facts.hasPasscode === false &&
      facts.platform !== 'macOS' &&
      `This ${kindOf(facts)} has no passcode: the lock keeps no one out. Lost Mode does.`,
    ({ platform }) =>
      platform !== null &&
      platform !== 'macOS' &&
      'It takes no PIN: its own passcode opens it again.',
  ],
  EraseDevice: [
    ({ isActivationLocked }, kept) =>
      isActivationLocked === true &&
      lacks(kept, 'activation_lock_bypass') &&
      'Activation Lock is on, and the server keeps no bypass code: after the erasure it asks for the ' +
        'owner’s Apple Account. Send ActivationLockBypassCode first.',
    (_facts, _kept, { ReturnToService: service }) =>
      isKeys(service) &&
      service['Enabled'] === true &&
      'Return to Service is on: once the device is online after the erasure, it sets itself up and ' +
        'enrols again.',
  ],
  ClearPasscode: [
    (_facts, kept, { UnlockToken: token }) =>
      !token &&
      lacks(kept, 'unlock_token') &&
      'The server keeps no unlock token of this device, and it needs one.',
    ({ hasPasscode }) => hasPasscode === false && 'It reported that it has no passcode.',
  ],
  DeviceLocation: [
    ({ isLost }) =>
      isLost === false && 'When it was last asked, Lost Mode was off: then it does not answer.',
  ],
  PlayLostModeSound: [
    ({ isLost }) =>
      isLost === false && 'When it was last asked, Lost Mode was off: then it stays silent.',
  ],
  SetRecoveryLock: [
    (_facts, _kept, { NewPassword: password }) =>
      !password && 'An empty new password removes the password.',
  ],
  SetFirmwarePassword: [
    (_facts, _kept, { NewPassword: password }) =>
      !password && 'An empty new password removes the password.',
  ],
}

function lacks(kept: KeptSecrets, kind: Schema<'EscrowToken'>['kind']): boolean {
  return kept !== undefined && !kept.has(kind)
}

/** The kinds of which there is a token of the present enrolment: one in the archive may open nothing. */
export function presentKinds(tokens: readonly Schema<'EscrowToken'>[] | undefined): KeptSecrets {
  return (
    tokens &&
    new Set(tokens.flatMap(({ kind, archived_at: gone }) => (gone === null ? [kind] : [])))
  )
}

export function warningsOf(
  requestType: string,
  facts: DeviceFacts,
  { kept, draft }: { readonly kept: KeptSecrets; readonly draft: DraftKeys },
): readonly string[] {
  return (WARNINGS[requestType] ?? []).flatMap((warn) => warn(facts, kept, draft) || [])
}
