/** How long results are kept: how many per channel, how old; `latest` keeps one per RequestType. */
export interface KeepResults {
  readonly kind: 'none' | 'latest' | 'bounded'
  readonly count: number
  readonly ms: number
}

/** A number, and a time in milliseconds, whichever is reached first. */
export interface Limit {
  readonly count: number
  readonly ms: number
}

export interface DeviceSettings {
  readonly keepResults: KeepResults
  /** How many of a device's events stay after every subscriber had them; none when the count is 0. */
  readonly keepEvents: Limit
  /** How many commands may wait on a channel. */
  readonly maxQueue: number
  /** How often, and since when, a device may say NotNow to a command before it is an event. */
  readonly deferredAfter: Limit
  readonly trustOnFirstUse: boolean
  readonly udidCertAuthWarnOnly: boolean
  /** Milliseconds by which `last_seen` in lists may lag on a device that does nothing else. */
  readonly lastSeenResolution: number
  /** The push certificate's topic; empty when nobody told us. */
  readonly pushTopic: string
}

/** What the settings say of challenges; see `Config.scep`. */
export interface ChallengeSettings {
  /** One-time challenges or the static one; undefined leaves it to what is in the field. */
  readonly dynamicChallenge: boolean | undefined
  /** The challenge of the static mode. */
  readonly challenge: string
  /** How long the challenge of a downloaded profile is good (milliseconds). */
  readonly challengeLifetime: number
}
