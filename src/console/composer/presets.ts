/** What a form holds at its start, and what follows from what is filled in. */
import type { TypeDocument } from '../../command-types/document.ts'
import type { Draft, DraftKeys } from './draft.ts'
import { isKeys } from './draft.ts'
import type { DeviceFacts } from './facts.ts'
import { putAt } from './fill.ts'
import { newPin } from './pin.ts'
import { keyStanding } from './standing.ts'

type Random = Parameters<typeof newPin>[0]

/**
 * The draft of a form that is opened for the first time.
 *
 * @param hasMac whether a Mac is among the devices: only a Mac has the PIN
 */
export function firstDraft(
  type: TypeDocument,
  facts: DeviceFacts,
  random: Random,
  hasMac = facts.platform === 'macOS',
): DraftKeys {
  return {
    ...(hasMac && type.keys.some(({ key }) => key === 'PIN') && { PIN: newPin(random) }),
    ...(type.request_type === 'DeviceInformation' && { Queries: allQueries(type, facts) }),
  }
}

/** Everything that this OS answers. */
export function allQueries({ keys }: TypeDocument, facts: DeviceFacts): readonly string[] {
  const queries = keys.find(({ key }) => key === 'Queries')?.item?.values ?? []
  return queries
    .filter(({ availability }) => keyStanding(availability, facts).kind === 'there')
    .map(({ value }) => String(value))
}

/** Return to Service is meant as soon as one of its keys is filled in. */
export function withFollowing(requestType: string, draft: DraftKeys): DraftKeys {
  const service: Draft | undefined = draft['ReturnToService']
  if (requestType !== 'EraseDevice' || !isKeys(service)) {
    return draft
  }
  const { Enabled: isOn, ...others } = service
  const isUsed = Object.values(others).some((value) => value !== '' && value !== undefined)
  return isUsed && isOn === undefined ? putAt(draft, ['ReturnToService', 'Enabled'], true) : draft
}

/** Of what follows, the commands that need no key and change nothing: no form stands between. */
export const AT_ONCE: ReadonlySet<string> = new Set([
  'DeviceLocation',
  'PlayLostModeSound',
  'ProfileList',
  'ManagedApplicationList',
])

/** What one does next, as a rule, when a command is done. */
export const NEXT: Readonly<Record<string, readonly string[]>> = {
  EnableLostMode: ['DeviceLocation', 'PlayLostModeSound', 'DisableLostMode'],
  DeviceLocation: ['DeviceLocation', 'PlayLostModeSound', 'DisableLostMode'],
  PlayLostModeSound: ['DeviceLocation', 'DisableLostMode'],
  InstallProfile: ['ProfileList'],
  RemoveProfile: ['ProfileList'],
  InstallApplication: ['ManagedApplicationList'],
  RemoveApplication: ['ManagedApplicationList'],
  ActivationLockBypassCode: ['EraseDevice'],
}
