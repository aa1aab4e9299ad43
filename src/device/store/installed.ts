import type { InstalledProfile } from '../../enroll/installed-profile.ts'
import type { Message } from '../../mdm/message.ts'

/** How far the renewal of a device's identity is; empty before there was one in this enrolment. */
export interface Renewal {
  readonly state: '' | 'sent' | 'renewed' | 'failed' | 'blocked'
  /** Why it failed or is blocked. */
  readonly reason: string
  /** Milliseconds, of the last try: in an earlier enrolment, where the state is empty. */
  readonly at: number
  /** CommandUUID of the InstallProfile that was sent. */
  readonly command: string
}

/** What is known of the enrolment profile that the device has, and how its identity goes on. */
export interface Installed {
  /** What the profile said, if it was made here. */
  profile: InstalledProfile | undefined
  /** The URLs that the device calls; empty until it has. */
  serverUrl: string
  checkInUrl: string
  /** Fingerprint of the certificate that signed the last message. */
  identity: string
  /** Certificates that were issued for a renewal profile, and have not enrolled yet. */
  successors: readonly string[]
  renewal: Renewal
  /** The last profile with an MDM payload, not of ours, that the device acknowledged, and when (milliseconds). */
  mdmProfile?: { readonly uuid: string; readonly at: number } | undefined
}

/** Marks our own renewal profiles in the queue: what follows from one is told by its certificate alone. */
export const RENEWAL_SOURCE = 'renewal'

export const NO_RENEWAL: Renewal = { state: '', reason: '', at: 0, command: '' }

/** Nobody needs a longer one, and it is kept for each device. */
const MAX_URL = 2048

export function newInstalled(): Installed {
  return {
    profile: undefined,
    serverUrl: '',
    checkInUrl: '',
    identity: '',
    successors: [],
    renewal: NO_RENEWAL,
    mdmProfile: undefined,
  }
}

/**
 * Learns from a message of the device channel where the device sends such messages, and which certificate it
 * signs with. Written only when that is news, so that an idle connect writes nothing. No signature covers the URL: a message that
 * may have been heard before, which is not `fresh`, moves none.
 * @returns whether it was.
 */
export function learn(
  installed: Installed,
  message: Message,
  { url, fingerprint, fresh }: { url: string; fingerprint: string; fresh: boolean },
): { readonly url: boolean; readonly identity: boolean } {
  const place = message.kind === 'report' ? 'serverUrl' : 'checkInUrl'
  const news = {
    url:
      message.enrollment.user === '' &&
      url.length <= MAX_URL &&
      installed[place] !== url &&
      (fresh || installed[place] === ''),
    identity: installed.identity !== fingerprint,
  }
  if (news.url) {
    installed[place] = url
  }
  installed.identity = fingerprint
  return news
}
