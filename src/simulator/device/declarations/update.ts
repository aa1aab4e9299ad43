/** A software update that a declaration enforces (Apple: "SoftwareUpdateEnforcementSpecific"). */
import type { Reported } from '../../../ddm/states.ts'
import { operatingSystem, type OperatingSystem } from '../os.ts'
import type { Platform } from '../../../apple/platform.ts'
import { ENFORCEMENT } from './apply.ts'
import type { Declaration } from './declaration.ts'
import { type JsonData, stringIn } from './json.ts'

/** The values of `softwareupdate.install-state`. */
export type InstallState = 'none' | 'downloading' | 'prepared' | 'installing' | 'failed'

const NEXT: Readonly<Record<InstallState, InstallState>> = {
  none: 'downloading',
  failed: 'downloading',
  downloading: 'prepared',
  prepared: 'installing',
  installing: 'none',
}

export interface EnforcedUpdate {
  readonly declaration: string
  readonly version: string
  readonly build: string
  readonly localDateTime: string
}

export interface Update {
  state: InstallState
  /** The update that is pending. */
  pending: EnforcedUpdate | undefined
  failures: number
  failure: { readonly reason: string; readonly timestamp: string } | undefined
}

export function newUpdate(): Update {
  return { state: 'none', pending: undefined, failures: 0, failure: undefined }
}

/** Of several updates the earliest date comes first. An update that is no longer enforced ends. */
export function chooseUpdate(
  update: Update,
  states: readonly Reported[],
  held: ReadonlyMap<string, Declaration>,
  platform: Platform,
): void {
  const [first] = states
    .filter(({ active, valid }) => active && valid === 'valid')
    .flatMap(({ identifier }) => held.get(identifier) ?? [])
    .filter(({ type }) => type === ENFORCEMENT)
    .map(({ identifier, payload }) => enforced(identifier, payload, platform))
    .toSorted((one, other) => (one.localDateTime < other.localDateTime ? -1 : 1))
  if (
    first?.declaration !== update.pending?.declaration ||
    first?.version !== update.pending?.version
  ) {
    Object.assign(update, newUpdate())
  }
  update.pending = first
}

function enforced(
  declaration: string,
  payload: Declaration['payload'],
  platform: Platform,
): EnforcedUpdate {
  const version = stringIn(payload, 'TargetOSVersion')
  const build = stringIn(payload, 'TargetBuildVersion')
  return {
    declaration,
    version,
    build: build === '' ? operatingSystem(platform, version).build : build,
    localDateTime: stringIn(payload, 'TargetLocalDateTime'),
  }
}

/**
 * The next step of the pending update, or its failure.
 * @returns the OS that the step installed
 */
export function stepUpdate(
  update: Update,
  now: Date,
  failure: string | undefined,
): Pick<OperatingSystem, 'version' | 'build'> | undefined {
  const { pending } = update
  if (!pending) {
    return undefined
  }
  if (failure !== undefined) {
    update.state = 'failed'
    update.failures++
    update.failure = { reason: failure, timestamp: now.toISOString().replace(/\.\d+/, '') }
    return undefined
  }
  const isInstalled = update.state === 'installing'
  update.state = NEXT[update.state]
  if (isInstalled) {
    Object.assign(update, newUpdate())
  }
  return isInstalled ? pending : undefined
}

/** The values of `softwareupdate.*`. */
export function updateStatus({
  state,
  pending,
  failures,
  failure,
}: Update): Record<string, JsonData> {
  return {
    'softwareupdate.install-state': state,
    'softwareupdate.install-reason':
      pending && state !== 'none'
        ? { reason: ['declaration'], 'declaration-id': pending.declaration }
        : { reason: [] },
    'softwareupdate.pending-version': pending
      ? {
          'os-version': pending.version,
          'build-version': pending.build,
          'target-local-date-time': pending.localDateTime,
        }
      : { 'os-version': '', 'build-version': '' },
    'softwareupdate.failure-reason': { count: failures, ...failure },
  }
}
