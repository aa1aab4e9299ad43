import { isBefore } from '../../apple/version.ts'
import type { DeclarationState } from '../states.ts'
import { isRawDict, cutText } from '../status/value.ts'
import { isBuildBefore, isSameVersion, isVersion } from './version.ts'

/**
 * How far a device is with an update. `pending`: nothing says yet that the device has looked at it.
 * `not-applied`: the device is not offered the declaration, or does not accept it. `waiting-for-apple`: Apple
 * offers the version to this device later, or never. `silent`: no report for a week.
 */
export const UPDATE_STATES = [
  'reached',
  'failed',
  'installing',
  'prepared',
  'downloading',
  'scheduled',
  'waiting-for-apple',
  'not-applied',
  'pending',
  'silent',
] as const

export type UpdateState = (typeof UPDATE_STATES)[number]

/** What a declaration of `softwareupdate.enforcement.specific` asks for. */
export interface UpdateTarget {
  readonly version: string
  readonly build?: string
  /** The identifier of the declaration. */
  readonly declaration: string
  /** `2026-12-10T19:00:00` in the device's time zone, which is unknown. */
  readonly deadline?: string
}

export interface UpdateFacts {
  readonly target: UpdateTarget
  /** The value of a status item on the device channel, over all its reports. */
  readonly item: (name: string) => unknown
  readonly declaration: DeclarationState
  /** From check-ins and DeviceInformation; empty while it is unknown. */
  readonly os: { readonly version: string; readonly build: string }
  /** Milliseconds; `undefined` before the first report. */
  readonly lastReportAt: number | undefined
  readonly now: number
}

export interface UpdateProgress {
  readonly state: UpdateState
  /** Failed attempts at this version. */
  readonly failures: number
  /** Of the last failure, in the device's words; empty when there is none. */
  readonly reason: string
  /** The deadline has passed in every time zone, and the version is not reached. */
  readonly overdue: boolean
}

const DAY = 86_400_000
/** Milliseconds. Objects write the time of a report that says nothing new every three days. */
export const SILENT_AFTER = 7 * DAY
/** The last zone in which a local time comes is UTC-12. */
const LAST_ZONE = DAY / 2
const MAX_REASON = 300
const UNDER_WAY: readonly UpdateState[] = ['installing', 'prepared', 'downloading']
const NOT_APPLIED: ReadonlySet<DeclarationState> = new Set(['failed', 'inactive', 'withheld'])

/**
 * The progress of one device to one version. A device that has the version reports the declaration as
 * invalid: that is `reached`. (Apple: "SoftwareUpdateEnforcementSpecific",
 * "StatusSoftwareUpdateInstallState", "StatusSoftwareUpdateFailureReason",
 * "StatusSoftwareUpdatePendingVersion")
 */
export function progressOf(facts: UpdateFacts): UpdateProgress {
  const { target, item, now } = facts
  const failure = dictOf(item('softwareupdate.failure-reason'))
  const count = failure['count']
  const isFailure = isPending(facts) && typeof count === 'number' && count > 0
  const state = isReached(facts) ? 'reached' : isFailure ? 'failed' : stateBefore(facts)
  const deadline = Date.parse(`${target.deadline ?? ''}Z`) + LAST_ZONE
  return {
    state,
    failures: isFailure ? count : 0,
    reason: isFailure ? cutText(failure['reason'], MAX_REASON) : '',
    overdue: state !== 'reached' && deadline < now,
  }
}

function stateBefore(facts: UpdateFacts): UpdateState {
  const { declaration, lastReportAt, now } = facts
  if (NOT_APPLIED.has(declaration)) {
    return 'not-applied'
  }
  if (lastReportAt === undefined) {
    return 'pending'
  }
  return now - lastReportAt > SILENT_AFTER ? 'silent' : stateOnDevice(facts)
}

/** What starts the update does not matter: a user may install the version before the deadline. */
function stateOnDevice(facts: UpdateFacts): UpdateState {
  const { item, target, declaration } = facts
  const pending = pendingVersion(facts)
  const isOurs =
    dictOf(item('softwareupdate.install-reason'))['declaration-id'] === target.declaration
  const installing = UNDER_WAY.find((state) => state === item('softwareupdate.install-state'))
  if (installing && (isPending(facts) || (isOurs && !pending))) {
    return installing
  }
  if (isPending(facts)) {
    return 'scheduled'
  }
  return declaration === 'applied' && pending === '' ? 'waiting-for-apple' : 'pending'
}

function isReached({ target, item, os }: UpdateFacts): boolean {
  const versions = [cutText(item('device.operating-system.version'), 20), os.version]
  if (versions.some((version) => isVersion(version) && isBefore(target.version, version))) {
    return true
  }
  const builds = [
    cutText(item('device.operating-system.build-version'), 20),
    cutText(item('device.operating-system.supplemental.build-version'), 20),
    os.build,
  ]
  const { build } = target
  return (
    versions.some((version) => isSameVersion(version, target.version)) &&
    (build === undefined || builds.some((one) => !isBuildBefore(one, build)))
  )
}

/** Whether the device is about to install the target. */
function isPending(facts: UpdateFacts): boolean {
  const { item, target } = facts
  const build = cutText(dictOf(item('softwareupdate.pending-version'))['build-version'], 20)
  const { version } = target
  return (
    isSameVersion(pendingVersion(facts) ?? '', version) &&
    (target.build === undefined || build === '' || build === target.build)
  )
}

/** Empty when no update waits; `undefined` when no report says. */
function pendingVersion({ item }: UpdateFacts): string | undefined {
  const version = dictOf(item('softwareupdate.pending-version'))['os-version']
  return typeof version === 'string' ? version : undefined
}

function dictOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRawDict(value) ? value : {}
}
