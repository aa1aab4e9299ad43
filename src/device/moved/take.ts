/** A device arrives from another server, with its tokens, queue and certificates (docs/security.md). */
import { Buffer } from 'node:buffer'
import type { MovedDevice } from '../../migration/moved.ts'
import { NO_FACTS } from '../../mdm/message.ts'
import { noteArrival } from '../enrolment/arrival.ts'
import type { Claim } from '../enrolment/identity.ts'
import { block } from '../standing/block.ts'
import { nextEpoch } from '../standing/contest.ts'
import {
  directoryRow,
  listAnew,
  presentRow,
  projected,
  type DirectoryRow,
} from '../standing/directory-row.ts'
import type { Context } from '../store/context.ts'
import { storeMoved } from '../store/escrow/tokens.ts'
import { newlyMoved, type DeviceRow } from '../store/rows/device.ts'
import { saveDevice } from '../store/rows/save.ts'
import { takeBindings, type MovedIdentity } from './bindings.ts'
import { takeChannels } from './channels.ts'
import type { TakenCommands } from './commands.ts'
import {
  presentCertificates,
  standingAfter,
  standingHere,
  type RecordStanding,
} from './standing.ts'

/** A record for the device of this object. */
export interface MoveIn {
  readonly record: MovedDevice
  /** Its certificates, as far as no other enrolment owns them; absent if the record names no bindings. */
  readonly identities?: readonly MovedIdentity[] | undefined
  /** User channels of other devices that have its id. */
  readonly namesakes?: Claim['namesakes']
  /** The caller hands the record over again if the directory could not store the row. */
  readonly isRepeated?: boolean
}

/**
 * `moved`: as the other server knew it. `merged`: the device has called here, and only what was missing was
 * added. `kept`: nothing was missing, or the device enrolled here. `contested`: an admin has to decide first,
 * so nothing was taken.
 */
export type MoveOutcome = 'moved' | 'merged' | 'kept' | 'contested'

export interface MovedIn {
  readonly outcome: MoveOutcome
  readonly unproven: boolean
  /** Whether anything is different now. */
  readonly changed: boolean
  /** What of the record does not fit what is here, for an admin. */
  readonly odd: readonly string[]
  readonly commands: TakenCommands
  readonly row: DirectoryRow | undefined
  /** Users whose bare UserIDs lead here from now on, and the version of the row with them. */
  readonly claims: { readonly users: readonly string[]; readonly version: number }
}

const NOTHING: TakenCommands = { queued: 0, cancelled: 0, unreadable: 0 }
const CONTESTED =
  'two enrolments claim this device, so nothing was taken: decide with POST /api/enrollments/decide, then ' +
  'send the record again'

/**
 * Takes a record, or a newer one, or a part of one. What a device did here counts: a record of a device that
 * has called here only adds what is missing. The same record a second time changes nothing.
 */
export function moveIn(context: Context, order: MoveIn): MovedIn {
  const moved = takeRecord(context, order)
  return order.isRepeated ? { ...moved, row: storedRow(context) } : moved
}

function takeRecord(context: Context, { record, identities, namesakes }: MoveIn): MovedIn {
  const { device } = context.state
  if (device.contest) {
    return answer(context, 'contested', { odd: [CONTESTED] })
  }
  // The caller stores the row in the directory, and repeats the call if it could not.
  context.effects.toAnnounce.awaited = true
  const before = snapshot(context)
  const first = standingHere(context)
  if (first === 'moved') {
    blockOnce(context, record)
  }
  if (device.state === 'unknown' && isEmpty(record)) {
    return answer(context, 'moved', { changed: snapshot(context) !== before })
  }
  if (device.state === 'unknown') {
    noteArrival(context, namesakes)
  }
  const callers = presentCertificates(context)
  if (first === 'moved') {
    takeDevice(context, record)
  }
  const odd = takeBindings(context, identities, {
    isOurs: first !== 'moved',
    source: record.source,
  })
  const standing = standingAfter(context, first, callers, record.source)
  const taken = odd.length > 0 ? undefined : takeParts(context, record, standing)
  const changed = taken?.isStored === true || snapshot(context) !== before
  if (changed) {
    listMoved(context, record)
  }
  const outcome = first === 'moved' ? first : changed ? 'merged' : 'kept'
  return answer(context, outcome, { changed, odd, commands: taken?.commands })
}

function snapshot({ state: { device, channels, identities } }: Context): string {
  return JSON.stringify([device, channels, identities])
}

/** The row, which counts as stored: the caller stores it, or hands the record over again. */
function storedRow(context: Context): DirectoryRow | undefined {
  const row = presentRow(context)
  projected(context, row?.version ?? 0)
  return row
}

/** An admin may have unblocked a device since an earlier record came. */
function blockOnce(context: Context, { blocked, source }: MovedDevice): void {
  const { device } = context.state
  if (blocked && !device.moved?.blocked) {
    block(context)
    // A block alone makes no device: the first certificate that calls is adopted.
    device.moved = { ...newlyMoved(context, source), unproven: false, ...device.moved, blocked }
    saveDevice(context)
  }
}

/** Whether a record has nothing of which an unknown device could be made: an id that is blocked, at most. */
function isEmpty({ state, facts, channels, bindings = [], ...escrow }: MovedDevice): boolean {
  const hasParts = channels.length > 0 || bindings.length > 0
  const hasEscrow = Boolean(escrow.unlockToken) || Boolean(escrow.bootstrapToken)
  return state === undefined && facts === undefined && !hasParts && !hasEscrow
}

function takeDevice(context: Context, record: MovedDevice): void {
  const { type, source, state } = record
  const { device } = context.state
  const isNew = device.state === 'unknown'
  if (isNew) {
    device.epoch = nextEpoch(context)
    device.claimedAt = context.now
  }
  // nano2nano writes UDID into the SetBootstrapToken of each device.
  device.type = isNew || state !== undefined ? type : device.type
  const { epoch } = device
  const unproven = isNew || (device.moved?.unproven ?? true)
  device.moved = { ...newlyMoved(context, source), ...device.moved, epoch, called: false, unproven }
  const isOnlyBound = isNew && isBindingAlone(record)
  device.state = stateHere(device.state, isOnlyBound ? 'retired' : state)
  saveDevice(context)
}

/** NanoMDM's table of bindings has every device that it ever had. */
function isBindingAlone({
  state,
  facts,
  channels,
  bindings = [],
  ...escrow
}: MovedDevice): boolean {
  const hasMore = channels.length > 0 || facts !== undefined || escrow.bootstrapToken !== undefined
  return state === undefined && bindings.length > 0 && !hasMore
}

/**
 * A device without a record left: its next message makes it current again, as after a CheckOut. A repeated
 * Authenticate does not take back a TokenUpdate.
 */
function stateHere(here: DeviceRow['state'], there: MovedDevice['state']): DeviceRow['state'] {
  if (there === undefined) {
    return here === 'unknown' ? 'authenticated' : here
  }
  if (there === 'authenticated' && here === 'enrolled') {
    return here
  }
  return there === 'retired' ? 'checked_out' : there
}

interface TakenParts {
  /** Whether a token or a command was stored. */
  readonly isStored: boolean
  readonly commands: TakenCommands
}

function takeParts(
  context: Context,
  record: MovedDevice,
  standing: RecordStanding,
): TakenParts | undefined {
  if (standing === 'other') {
    return undefined
  }
  const isOurs = standing !== 'moved'
  takeFacts(context, record, isOurs)
  // A certificate that was only adopted gets no secret of the device.
  const hasEscrow = standing !== 'adopted' && takeEscrow(context, record, isOurs)
  const commands = takeChannels(context, record, isOurs)
  return { isStored: hasEscrow || commands.queued + commands.cancelled > 0, commands }
}

function takeFacts(context: Context, { facts = {} }: MovedDevice, isOurs: boolean): void {
  const { device } = context.state
  const known = reported(facts)
  device.facts = isOurs
    ? { ...NO_FACTS, ...known, ...reported(device.facts) }
    : { ...device.facts, ...known }
}

function reported(facts: object): object {
  return Object.fromEntries(Object.entries(facts).filter(([, text]) => text !== ''))
}

/** @returns whether a token was stored */
function takeEscrow(context: Context, record: MovedDevice, isOurs: boolean): boolean {
  const { unlockToken = '', bootstrapToken = '' } = record
  const take = (kind: 'unlock_token' | 'bootstrap_token', text: string): boolean =>
    text !== '' && storeMoved(context, kind, new Uint8Array(Buffer.from(text, 'base64')), isOurs)
  const stored = [take('unlock_token', unlockToken), take('bootstrap_token', bootstrapToken)]
  return stored.includes(true)
}

/** When it was seen is the other server's time: it has not called here. */
function listMoved(context: Context, { lastSeen = 0 }: MovedDevice): void {
  const { device } = context.state
  device.lastSeen = Math.max(device.lastSeen, Math.min(lastSeen, context.now))
  listAnew(context)
}

type Answered = {
  readonly [Part in 'changed' | 'odd' | 'commands']?: MovedIn[Part] | undefined
}

function answer(
  context: Context,
  outcome: MoveOutcome,
  { changed = false, odd = [], commands = NOTHING }: Answered,
): MovedIn {
  const { device, channels } = context.state
  const users = channels.filter(({ claim }) => claim !== 'none').map(({ user }) => user)
  return {
    outcome,
    unproven: device.moved?.unproven === true,
    changed,
    odd,
    commands,
    row: directoryRow(context),
    claims: { users, version: device.version },
  }
}
