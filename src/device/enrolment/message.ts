import type { ChannelStates } from '../../ddm/states.ts'
import type { InstalledProfile } from '../../enroll/installed-profile.ts'
import type { Message } from '../../mdm/message.ts'
import type { Subscribers } from '../store/events.ts'
import type { AnnouncementBody } from '../standing/directory-row.ts'
import type { DeclarationAnswer } from '../declarations/endpoint.ts'
import type { TakenReport } from '../declarations/status.ts'
import type { SetupFacts } from '../setup/begin.ts'
import type { Claim } from './identity.ts'
import type { NewClaim } from './user-claim.ts'

/** A device's message, its signature verified over the exact bytes of `body`. */
export interface DeviceInput {
  readonly message: Message
  /** The exact bytes; empty if no subscriber wants them and none of them would be kept. */
  readonly body: Uint8Array
  readonly eventId: string
  /** The URL that the device called, and its query parameters. */
  readonly url: string
  readonly params: Readonly<Record<string, string>>
  readonly fingerprint: string
  readonly claim?: Claim
  /** The enrolment profile that a new certificate came with, if this server made it. */
  readonly profile?: InstalledProfile | undefined
  /** Subscribers that want this message's topic, and those that want identity conflicts. */
  readonly listeners: Subscribers
  readonly conflictListeners: Subscribers
  /** Those that want commands to which devices answer NotNow again and again. */
  readonly deferredListeners: Subscribers
  /** Of a signed Authenticate or CheckOut: the digest of what was signed. */
  readonly digest?: string | undefined
  /** The caller stores the row of the device in the directory before it answers. */
  readonly lists?: boolean
  /** The version of its row that the caller has stored there since its last message. */
  readonly listed?: number | undefined
  /** Those that want contested enrolments; absent if the caller does not know the topic. */
  readonly contestListeners?: Subscribers
  /** Of a request for declarations that this server answers itself. */
  readonly declares?: Declares
  /** Of the TokenUpdate of a device: there may be blueprints for it. */
  readonly setup?: true
}

export interface Declares {
  /** Of `status`: the report. */
  readonly report?: TakenReport
  /** Those that want changed declarations, and changed status items. */
  readonly declarationListeners: Subscribers
  readonly statusListeners: Subscribers
}

/** The answer to a request for declarations; of `status`, what is true of them now. */
export type Declared =
  | DeclarationAnswer
  | { readonly kind: 'taken'; readonly channel?: ChannelStates | undefined }

/**
 * A device that came from another server. `unchecked`: that server had the certificate bound, and only its
 * fingerprint is known. `unproven`: it had no certificate bound.
 */
export type MovedStanding = 'unchecked' | 'unproven'

export type DeviceAnswer =
  | {
      readonly kind: 'accepted'
      readonly reply?: Uint8Array
      /** Admins used the device's id for a user, and have not confirmed the device yet. */
      readonly contested?: true
      /** The enrolment is not proven: declarations are for the enrolment before. */
      readonly unproven?: true
      /** It is not decided yet which answer the device gets. The device has to connect again. */
      readonly later?: true
      /** Signed by an identity that lost a contest: every message gets an empty answer. */
      readonly frozen?: true
      /** The directory does not have this claim yet: it has to have it before the device gets its answer. */
      readonly claim?: NewClaim
      /** The device has enrolled, and has not only renewed its identity. */
      readonly enrolled?: true
      readonly declared?: Declared
      /** It has to be offered the declarations of the catalog. */
      readonly isOfferDue?: true
      /** The blueprints of the device have to be read: what they depend on. */
      readonly setupDue?: SetupFacts
      /** The device was seen: the message is none that is repeated, and is of the present enrolment. */
      readonly seen?: true
      readonly news: AnnouncementBody
    }
  /** The certificate is new here: check its chain, claim it unless the device is blocked, and call again. */
  | {
      readonly kind: 'unclaimed'
      readonly blocked: boolean
      readonly moved?: MovedStanding | undefined
    }
  | { readonly kind: 'refused'; readonly reason: string }
  /** Signed by an identity of an earlier enrolment: 503 until an admin reinstates it. */
  | { readonly kind: 'conflict'; readonly news: AnnouncementBody }
  | { readonly kind: 'blocked' }
  /** Events fill the storage that the device may fill: 503 until the subscribers have received them. */
  | { readonly kind: 'full' }
