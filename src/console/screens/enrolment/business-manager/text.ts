/** Words and sentences of Apple Business Manager. */
import type { Schema } from '../../../api/types.ts'
import type { Tone } from '../../../kit/badge.tsx'
import type { AppleDevice } from './devices/said.ts'

type Account = Schema<'DepAccountDetail'>

export const LEAD =
  'Devices of your organisation enrol by themselves when they are set up (Automated Device Enrollment).'

export const FLAGS: Readonly<
  Record<NonNullable<Account['flag']>, readonly [word: string, remedy: string]>
> = {
  terms: [
    'Terms not accepted',
    'An administrator accepts Apple’s new terms at business.apple.com. The server tries again once an hour.',
  ],
  token_invalid: [
    'Token refused',
    'Download a new token at business.apple.com, and import it here: Renew token.',
  ],
  access_denied: [
    'Access denied',
    'Look at the device management service at business.apple.com: it may be switched off or removed.',
  ],
}

export const ASSIGNS: Readonly<Record<Account['assigns'], string>> = {
  nothing: 'nothing yet, as the account came from another server, and waits for your confirmation',
  own: 'devices without a profile, and those with an earlier profile of this server',
  all: 'all devices, those with profiles of other servers too',
}

export const CONFIRMING =
  'From then on the rules also give profiles to devices that have one which this server did not ' +
  'define. Devices that are set up already keep theirs until they are erased. It cannot be taken back.'

export const REMOVING =
  'The server forgets the token, the devices, the profiles and the rules of this account. Apple keeps ' +
  'all of its own: devices keep their assigned profiles, and enrolled devices stay enrolled.'

export const STATUS_WORDS: Readonly<
  Record<AppleDevice['profile_status'], readonly [Tone, string]>
> = {
  empty: ['quiet', 'No profile'],
  assigned: ['busy', 'Assigned'],
  pushed: ['good', 'Fetched'],
  removed: ['warn', 'Taken away'],
}

export const DISOWNING =
  'Apple releases them from your organisation for good: they disappear from Apple Business Manager, ' +
  'and no server of yours can manage them by Automated Device Enrollment. Only the reseller, or Apple ' +
  'Configurator, brings one back. It cannot be undone.'

export const UNASSIGNING =
  'Without a profile, a device is set up without management. A device that is set up keeps its profile ' +
  'until it is erased. A rule may give it a profile again.'

export const LOCKING =
  'Once it is erased, the device can only be set up again with an account of your organisation that ' +
  'may do so at Apple, or with a bypass code. An administrator turns it off at business.apple.com.'
