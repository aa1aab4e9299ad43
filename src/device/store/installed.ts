import type { InstalledProfile } from '../../enroll/installed-profile.ts'
import type { Message } from '../../mdm/message.ts'

/** How far the renewal of a device's identity is; empty before the first one in this enrolment. */
export interface Renewal {
  readonly state: '' | 'sent' | 'renewed' | 'failed' | 'blocked'
  /** Why it failed or is blocked. */
  readonly reason: string
  /** Milliseconds of the last try; it was in an earlier enrolment if the state is empty. */
  readonly at: number
  /** CommandUUID of the InstallProfile that was sent. */
  readonly command: string
}

/** The enrolment profile that the device has, as far as it is known, and the renewal of its identity. */
export interface Installation {
  /** The contents of the profile, if this server made it. */
  profile: InstalledProfile | undefined
  /** The URLs that the device calls; empty until it has called them. */
  serverUrl: string
  checkInUrl: string
  /** Fingerprint of the certificate that signed the last message. */
  identity: string
  /** Certificates that were issued for a renewal profile, and have not enrolled yet. */
  successors: readonly string[]
  renewal: Renewal
  /**
   * The last profile with an MDM payload that the device acknowledged, and when (milliseconds). Renewal
   * profiles of this server do not count.
   */
  mdmProfile?: { readonly uuid: string; readonly at: number } | undefined
  /** When the enrolment was complete (milliseconds); 0 if that is not known. */
  enrolledAt: number
  /** The device waited in Setup Assistant then: only Automated Device Enrollment lets it wait. */
  automated: boolean
  /** As DeviceInformation said last. */
  supervised: boolean | undefined
}

/**
 * The `source` of renewal profiles in the queue. The certificate that results from one proves the renewal.
 */
export const RENEWAL_SOURCE = 'renewal'

export const NO_RENEWAL: Renewal = { state: '', reason: '', at: 0, command: '' }

/** The object of each device keeps it: a bound against abuse. */
const MAX_URL = 2048

export function newInstallation(): Installation {
  return {
    profile: undefined,
    serverUrl: '',
    checkInUrl: '',
    identity: '',
    successors: [],
    renewal: NO_RENEWAL,
    mdmProfile: undefined,
    enrolledAt: 0,
    automated: false,
    supervised: undefined,
  }
}

/**
 * Notes where the device sends its messages, and which certificate it signs with. No signature covers the
 * URL, so a message changes it only if it is `fresh`, which no captured message is.
 * @returns which of both changed: the row is written only then, so that an idle connect writes nothing.
 */
export function noteSender(
  installed: Installation,
  message: Message,
  { url, fingerprint, fresh }: { url: string; fingerprint: string; fresh: boolean },
): { readonly url: boolean; readonly identity: boolean } {
  const place = message.kind === 'report' ? 'serverUrl' : 'checkInUrl'
  const changes = {
    url:
      message.enrollment.user === '' &&
      url.length <= MAX_URL &&
      installed[place] !== url &&
      (fresh || installed[place] === ''),
    identity: installed.identity !== fingerprint,
  }
  if (changes.url) {
    installed[place] = url
  }
  installed.identity = fingerprint
  return changes
}
