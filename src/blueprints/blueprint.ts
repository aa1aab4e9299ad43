/** A blueprint: what devices get when they enrol, in which order (docs/blueprints.md). */

export interface Blueprint {
  readonly uuid: string
  readonly name: string
  /** Raised by each change. */
  readonly version: number
  /** MicroMDM's: only `Enroll` has a meaning, in any case. Without it the blueprint is never applied. */
  readonly apply_at: readonly string[]
  /** Which devices it is for; without conditions, all of them. */
  readonly match: BlueprintMatch
  /** Steps of a higher priority come first; then the names decide. */
  readonly priority: number
  readonly time_limit_s: number
  readonly release: ReleasePolicy
  readonly reenroll: 'same' | 'changed' | 'never'
  readonly steps: readonly BlueprintStep[]
}

/** `always`: at the end; `if_required_ok`: unless a required step failed; `manual`: by an admin. */
export type ReleasePolicy = 'always' | 'if_required_ok' | 'manual'

/** Each condition that is given has to hold. */
export interface BlueprintMatch {
  readonly platform?: readonly string[]
  /** Such as `>=14`. */
  readonly os?: string
  /** Patterns with `*`. */
  readonly model?: readonly string[]
  /** Parameters of the URL that the device enrolled with: the person at the device chooses them. */
  readonly param?: Readonly<Record<string, string>>
  /** Below, only what is proven counts: the serial number that a device signed, and Apple's record of it. */
  readonly serial?: readonly string[]
  /** uuid or name of the DEP profile. */
  readonly dep_profile?: readonly string[]
  readonly account?: readonly string[]
  readonly enrollment?: readonly ('ade' | 'manual')[]
}

interface StepTerms {
  /** Without success, `if_required_ok` does not release. */
  readonly required?: boolean
  readonly timeout_s?: number
  readonly when?: Pick<BlueprintMatch, 'platform' | 'os' | 'model'>
}

export type BlueprintStep = StepTerms &
  (
    | { readonly do: 'profile'; readonly id: string }
    /** `wait: installed` needs `identifier`, the bundle id to look for. */
    | {
        readonly do: 'package'
        readonly manifest: string
        readonly identifier?: string
        readonly wait?: 'ack' | 'installed'
      }
    | {
        readonly do: 'app'
        readonly itunes_store_id: number
        readonly identifier?: string
        readonly wait?: 'ack' | 'installed'
      }
    /** `of`: identifiers of declarations that have to be active and valid. */
    | {
        readonly do: 'declarations'
        readonly wait?: 'ack' | 'valid'
        readonly of?: readonly string[]
      }
    | {
        readonly do: 'account'
        /** The uuid of a setup user. */
        readonly admin?: string
        readonly skip_primary?: boolean
        readonly regular_user?: boolean
        readonly primary?: {
          readonly full_name?: string
          readonly user_name?: string
          readonly lock?: boolean
        }
      }
    /** A command as POST /v1/commands takes it, without `udid`. */
    | { readonly do: 'command'; readonly command: Readonly<Record<string, unknown>> }
    | { readonly do: 'hold' }
    | { readonly do: 'release' }
  )
