import type { applesName } from '../apple/schema.ts'
import type { Platform } from '../apple/platform.ts'

/** `device`: a profile enrolment of a device that is not supervised; a Mac counts as supervised then. */
export type EnrollmentMode = 'supervised' | 'device' | 'user'

/** `system` is the device channel. */
export type ChannelScope = 'system' | 'user'

/** What decides which declarations a channel can take. Unknown facts withhold nothing. */
export interface ChannelFacts {
  readonly platform: Platform | undefined
  /** `26.1`; empty while it is unknown. */
  readonly osVersion: string
  readonly enrollment: EnrollmentMode | undefined
  readonly scope: ChannelScope
  readonly sharedIPad: boolean
  /** Product name, model and model name, for rules. */
  readonly models: readonly string[]
  readonly serialNumber: string
  /** The declaration types of `management.client-capabilities`; `undefined` until it is reported. */
  readonly supported: readonly string[] | undefined
}

/**
 * Where a declaration works, by platform: an absent platform does not have it. `from` is the first version,
 * `until` the version that removed it. Absent lists allow all.
 */
export type DeclarationNeeds = Readonly<
  Partial<Record<ReturnType<typeof applesName>, PlatformNeed>>
>

export interface PlatformNeed {
  readonly from: string
  readonly until?: string
  readonly enrollments?: readonly EnrollmentMode[]
  readonly scopes?: readonly ChannelScope[]
  /** On Shared iPad. */
  readonly shared?: readonly ChannelScope[]
  /** The key that needs the version, as a path; absent when the type itself does. */
  readonly by?: string
}
