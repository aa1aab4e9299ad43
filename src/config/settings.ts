/** How long results are kept: how many per channel, how old; `latest` keeps one per RequestType. */
export interface KeepResults {
  readonly kind: 'none' | 'latest' | 'bounded'
  readonly count: number
  readonly ms: number
}

/** A number, and a time in milliseconds. The limit that is reached first counts. */
export interface Limit {
  readonly count: number
  readonly ms: number
}

export interface DeviceSettings {
  readonly keepResults: KeepResults
  /**
   * How many of a device's events stay after every subscriber has received them; none when the count is 0.
   */
  readonly keepEvents: Limit
  /** How many commands may wait on a channel. */
  readonly maxQueue: number
  /** How often, and for how long, a device may answer NotNow to a command before an event reports it. */
  readonly deferredAfter: Limit
  /** A device that waits in Setup Assistant, and for which there is no blueprint, is released. */
  readonly autoDeviceConfigured: boolean
  readonly trustOnFirstUse: boolean
  readonly udidCertAuthWarnOnly: boolean
  /** The push certificate's topic; empty while it is not known. */
  readonly pushTopic: string
}

/** `signed`: a link is good for a time. `open`: anyone who knows the name of a file may fetch it. */
export type RepoLinks = 'open' | 'signed'

/** The settings of challenges; see `Config.scep`. */
export interface ChallengeSettings {
  /** One-time challenges or the static one; undefined lets the profiles that devices have decide. */
  readonly dynamicChallenge: boolean | undefined
  /** The challenge of the static mode. */
  readonly challenge: string
  /** How long the challenge of a downloaded profile is good (milliseconds). */
  readonly challengeLifetime: number
}
