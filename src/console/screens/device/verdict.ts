import type { Schema } from '../../api/types.ts'
import { counted, relative } from '../../time/words.ts'

type Device = Schema<'DeviceDetail'>
type Command = Pick<
  Schema<'Command'>,
  'request_type' | 'state' | 'queued_at' | 'answered_at' | 'last_handed_out_at' | 'ended_at'
>

export interface DeviceVerdict {
  readonly tone: 'good' | 'warn' | 'bad' | 'quiet' | 'busy'
  /** One word or two. */
  readonly word: string
  /** The reasons, as the rest of the sentence. */
  readonly because: string
}

const DAY = 86_400_000
/** A device that is used connects at least once a day: the server pushes whatever waits daily. */
const SILENT = 7 * DAY
/** A Mac that was locked has restarted by then: what it sends later comes from an unlocked one. */
const RESTART = 60_000

/** Whether the device is alive, in one sentence. @param now the server’s time, in milliseconds */
export function verdictOf(device: Device, now: number): DeviceVerdict {
  const seen = device.last_seen_at
  const last = seen === null ? 'never seen' : `last seen ${relative(Date.parse(seen), now)}`
  if (device.blocked) {
    const because = `${last}. The server answers it with 401, so that it removes its MDM profile`
    return { tone: 'bad', word: 'Blocked', because }
  }
  switch (device.state) {
    case 'checked_out':
      return {
        tone: 'quiet',
        word: 'Checked out',
        because: `${last}. Its MDM profile was removed. What you queue waits until it enrols again`,
      }
    case 'unknown':
      return { tone: 'quiet', word: 'Never enrolled', because: 'commands wait until it enrols' }
    case 'authenticated':
      return {
        tone: 'busy',
        word: 'Enrolling',
        because: `${last}. Its push token has not come yet`,
      }
    case 'enrolled':
      return enrolledVerdict(device, last, now)
  }
}

function enrolledVerdict(device: Device, last: string, now: number): DeviceVerdict {
  const [channel] = device.channels
  const waiting = waitingWords(device, now)
  const age = device.last_seen_at === null ? Infinity : now - Date.parse(device.last_seen_at)
  if (device.contested) {
    return {
      tone: 'warn',
      word: 'In doubt',
      because: `it is not proven which enrolment is the device; ${last}, ${waiting}`,
    }
  }
  if (endedIdentity(device, now)) {
    return { tone: 'bad', word: 'Out of reach', because: `its certificate has ended; ${last}` }
  }
  if (device.push_state === 'failing') {
    const reason = channel?.push_reason ?? 'APNs refuses its token'
    return {
      tone: 'bad',
      word: 'Cannot be pushed',
      because: `${reason}, until it sends a new token; ${last}, ${waiting}`,
    }
  }
  if (device.push_state === 'none') {
    return { tone: 'warn', word: 'No push token', because: `${last}, ${waiting}` }
  }
  const because = `${last}, push ready, ${waiting}`
  return age >= SILENT
    ? { tone: 'warn', word: 'Silent', because }
    : { tone: 'good', word: 'Alive', because }
}

function endedIdentity({ identities }: Device, now: number): boolean {
  const current = identities.filter(({ state }) => state === 'current')
  const ends = current.map(({ expires_at: end }) => (end === null ? Infinity : Date.parse(end)))
  return ends.length > 0 && Math.max(...ends) <= now
}

/** “2 commands wait, the oldest queued 14 min ago”. */
function waitingWords({ channels }: Device, now: number): string {
  const waiting = channels.reduce((sum, { queue }) => sum + queue.waiting, 0)
  if (waiting === 0) {
    return 'nothing waits'
  }
  const oldest = channels.flatMap(({ queue }) => queue.oldest_queued_at ?? []).toSorted()[0]
  const since = oldest === undefined ? '' : relative(Date.parse(oldest), now)
  return `${counted(waiting, 'command waits', 'commands wait')}, the oldest queued ${since}`
}

export interface StateBadge {
  readonly tone: DeviceVerdict['tone']
  readonly word: string
  /** Since when, where it says so. */
  readonly since?: string
}

/** The types that the badges of a device come from. */
export const BADGE_TYPES = ['DeviceLock', 'EraseDevice', 'EnableLostMode', 'DisableLostMode']

/** The badge of a device that is in Lost Mode. */
export const LOST_MODE = 'Lost Mode'

const PENDING: ReadonlySet<string> = new Set(['held', 'queued', 'sent', 'not_now', 'stalled'])

/**
 * What was done to the device: each from the newest command of its kind, and gone as soon as the device shows
 * otherwise. Nothing is stored, so nothing goes stale.
 *
 * @param commands those of {@link BADGE_TYPES}, newest first
 */
export function deedBadges(device: Device, commands: readonly Command[]): StateBadge[] {
  return [
    ...lockBadge(device, newest(commands, 'DeviceLock')),
    ...eraseBadge(device, newest(commands, 'EraseDevice')),
    ...lostBadge(device, commands),
  ]
}

function newest(commands: readonly Command[], type: string): Command | undefined {
  return commands.find(({ request_type: its }) => its === type)
}

function pendingBadge(command: Command, kind: string): StateBadge[] {
  const { state, queued_at: queued, last_handed_out_at: given } = command
  if (state === 'held') {
    return [{ tone: 'quiet', word: `${kind} held`, since: queued }]
  }
  if (!PENDING.has(state)) {
    return []
  }
  return given === null
    ? [{ tone: 'busy', word: `${kind} waiting`, since: queued }]
    : [{ tone: 'busy', word: `${kind} given to it`, since: given }]
}

/** Only a Mac stays locked: it restarts, and asks for the PIN. A later message comes from an unlocked one. */
function lockBadge(device: Device, command: Command | undefined): StateBadge[] {
  if (!command) {
    return []
  }
  const { state, answered_at: at } = command
  const heard = device.last_seen_at ?? ''
  const isLocked =
    device.platform === 'macOS' &&
    state === 'acknowledged' &&
    at !== null &&
    Date.parse(heard) - Date.parse(at) < RESTART
  return isLocked ? [{ tone: 'warn', word: 'Locked', since: at }] : pendingBadge(command, 'Lock')
}

/** A new enrolment sends a new token. */
function eraseBadge(device: Device, command: Command | undefined): StateBadge[] {
  if (!command) {
    return []
  }
  const { state, answered_at: at } = command
  const token = device.channels[0]?.token_at ?? ''
  const isErased = state === 'acknowledged' && at !== null && token <= at
  return isErased ? [{ tone: 'warn', word: 'Erased', since: at }] : pendingBadge(command, 'Erase')
}

function lostBadge(device: Device, commands: readonly Command[]): StateBadge[] {
  const on = newest(commands, 'EnableLostMode')
  const waits = on ? pendingBadge(on, 'Lost Mode') : []
  const began = on?.state === 'acknowledged' ? on.answered_at : null
  if (waits.length > 0 || began === null) {
    return waits
  }
  const off = newest(commands, 'DisableLostMode')
  const ended = off?.state === 'acknowledged' ? (off.answered_at ?? '') : ''
  const said = device.inventory.DeviceInformation
  const isOff = said && said.at > began && valueAt(said.value, 'IsMDMLostModeEnabled') === false
  return ended > began || isOff ? [] : [{ tone: 'warn', word: LOST_MODE, since: began }]
}

/** A value of a report, where it has one. */
export function valueAt(report: unknown, ...keys: readonly string[]): unknown {
  return keys.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? new Map(Object.entries(value)).get(key)
        : undefined,
    report,
  )
}

/** What is known of how the device is managed. */
export function managementBadges(device: Device): StateBadge[] {
  const { DeviceInformation: information, SecurityInfo: security } = device.inventory
  const isSupervised = valueAt(information?.value, 'IsSupervised') === true
  const isAutomated = valueAt(security?.value, 'ManagementStatus', 'EnrolledViaDEP') === true
  return [
    ...(isSupervised ? [{ tone: 'good' as const, word: 'Supervised' }] : []),
    ...(isAutomated ? [{ tone: 'good' as const, word: 'Automated Device Enrollment' }] : []),
    ...(device.type.startsWith('User Enrollment')
      ? [{ tone: 'quiet' as const, word: 'User Enrollment' }]
      : []),
    ...(device.deleted ? [{ tone: 'quiet' as const, word: 'Not on the lists' }] : []),
  ]
}
