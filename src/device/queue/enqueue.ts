/** Every way in which a command is queued. */
import { lacksOf } from '../../apple/support.ts'
import { COMMAND_UNSUPPORTED } from '../../events/topics.ts'
import { enrollmentId } from '../../mdm/enrollment.ts'
import { storeBody } from '../../storage/bodies.ts'
import { recordOwnEvent } from '../outbox/record.ts'
import { isDevice } from '../store/address.ts'
import { enrollmentOfChannel, type Channel } from '../store/channel-row.ts'
import { channelOf, isOvercrowded, recalledChannel } from '../store/channels.ts'
import { commandId, numberOf, rowOf } from '../store/commands/ids.ts'
import { logWaiting, namedInLog } from '../store/commands/log.ts'
import { insertCommand, NO_TERMS, type NewCommand } from '../store/commands/new-command.ts'
import { tellQueued } from '../store/commands/news.ts'
import { presentManifest } from '../store/manifest-row.ts'
import { commandOfRequest, rowFromSince } from '../store/commands/read.ts'
import { wakeBy, type Context } from '../store/context.ts'
import { SETUP_SOURCE } from '../store/setup-runs.ts'
import { problemWith } from './clear-passcode.ts'
import { heldFor, waitsForSetup } from './held.ts'
import { pruneInTime } from './history.ts'
import { PUSH_FALLBACK, queueOf, WINDOW } from './window.ts'

export type Queued =
  /** `repeated`: the request with this Idempotency-Key had queued it before. */
  | {
      readonly kind: 'queued'
      readonly id: string
      readonly repeated: boolean
      /** Whether there has ever been an enrolment with that id; objects of an earlier version do not say. */
      readonly known?: boolean
    }
  /** The queue has no room for more commands; the text says why. */
  | { readonly kind: 'full'; readonly error: string }
  /** Another request had this Idempotency-Key. */
  | { readonly kind: 'key_reused' }
  /** It can only fail; the text says why. */
  | { readonly kind: 'unusable'; readonly error: string }
  /**
   * The device's OS does not support it, or a declaration manages its profile (`isDeclared`); the text says
   * what to use instead.
   */
  | { readonly kind: 'unsupported'; readonly error: string; readonly isDeclared?: boolean }

/** Queues the command of a request, unless the command can only fail. */
export function queueCommand(context: Context, user: string, command: NewCommand): Queued {
  const { requestKey = '', requestHash } = command.terms ?? {}
  const known = recalledChannel(context, user)
  const earlier = known && repeatedRequest(context, known, requestKey)
  if (known && earlier) {
    return earlier.requestHash === requestHash
      ? queued(context, known, numberOf(earlier.id), true)
      : { kind: 'key_reused' }
  }
  // This comes second: a command that could be queued the first time may be impossible now.
  const unusable = outOfTime(context, command) ?? problemWith(context, command)
  if (unusable !== undefined) {
    return { kind: 'unusable', error: unusable }
  }
  const declared = declaredProfile(context, known, command)
  const lacks = [...lacksOfDevice(context, command), ...declared]
  if (lacks.length > 0 && command.needs?.otherwise === 'refuse') {
    const error = `${lacks.join('; ')} (\`force\` queues it anyway)`
    return { kind: 'unsupported', error, isDeclared: declared.length > 0 }
  }
  const channel = channelOf(context, user)
  const full = fullness(context, channel)
  if (full !== undefined) {
    return { kind: 'full', error: full }
  }
  const n = appendCommand(context, channel, command)
  if (lacks.length > 0) {
    recordUnsupported(context, channel, { n, command, lacks })
  }
  return queued(context, channel, n, false)
}

/**
 * The same for a job, which repeats a batch if it died in the middle: a channel gets one command of a
 * `source`. `since` is when the job began (milliseconds, early rather than late); `undefined` for a command
 * of no job.
 */
export function queueCommandOnce(
  context: Context,
  user: string,
  command: NewCommand,
  since: number | undefined,
): Queued {
  const { db } = context
  const channel = recalledChannel(context, user)
  const before =
    channel && since !== undefined
      ? rowFromSince(db, channel, { source: command.source, since })
      : undefined
  return channel && before !== undefined
    ? { kind: 'queued', id: commandId(context, channel, numberOf(before)), repeated: true }
    : queueCommand(context, user, command)
}

/** Appends a command to a channel's queue, unchecked. @returns its number within the channel */
export function appendCommand(context: Context, channel: Channel, command: NewCommand): number {
  const { db, now, effects } = context
  const queue = queueOf(context, channel)
  const id = queue.lastId + 1
  const { uuid, requestType, secret, source, terms = NO_TERMS } = command
  const held =
    heldFor(context, command) ??
    (channel.id === 0 && waitsForSetup(context, command) ? 'setup' : undefined)
  const payload = storeBody(context, 'payload', id, command.payload, secret)
  insertCommand(db, id, command, { now, heldFor: held, payload })
  tellQueued(context, channel, id, command, held)
  queue.lastId = id
  queue.depth += 1
  pruneInTime(context, channel, queue, id)
  if (terms.expiresAt > 0) {
    queue.expiresAt = Math.min(queue.expiresAt, terms.expiresAt)
    wakeBy(context, terms.expiresAt)
  }
  if (held !== 'moved' && source !== SETUP_SOURCE && (held || channel.token === null)) {
    logWaiting(context, { id, requestType }, held)
  }
  if (held) {
    return numberOf(id)
  }
  if (terms.notBefore > now) {
    queue.heldUntil = Math.min(queue.heldUntil, terms.notBefore)
    wakeBy(context, terms.notBefore)
    return numberOf(id)
  }
  if (queue.pending.length < WINDOW && !queue.more) {
    const big = payload === null
    const fresh = { state: 'queued', rounds: 0, handedOutAt: 0, notNowAt: 0 } as const
    queue.pending.push({
      id,
      uuid,
      requestType,
      secret,
      big,
      queuedAt: now,
      released: false,
      ...fresh,
    })
  } else {
    queue.more = true
  }
  if (channel.token !== null) {
    effects.push.add(channel.id)
    wakeBy(context, now + PUSH_FALLBACK)
  }
  return numberOf(id)
}

/** Why no more commands are accepted for a channel; undefined while there is room. */
function fullness(context: Context, channel: Channel): string | undefined {
  const { maxQueue } = context.settings
  const { depth } = queueOf(context, channel)
  if (depth >= maxQueue) {
    const id = enrollmentId(context.name, channel.user)
    return (
      `${depth} commands wait for ${id} already, and MAX_QUEUE allows ${maxQueue}: ` +
      'clear the queue, or find out why the device does not fetch them'
    )
  }
  return channel.user !== '' && isOvercrowded(context)
    ? `commands wait for too many users of ${context.name} who have not connected for long: ` +
        'cancel those commands, or block the device if it invents users'
    : undefined
}

function queued(context: Context, channel: Channel, n: number, repeated: boolean): Queued {
  const known = isDevice(context) && (channel.user === '' || channel.tally > 0)
  return { kind: 'queued', id: commandId(context, channel, n), repeated, known }
}

function lacksOfDevice({ state }: Context, { needs }: NewCommand): readonly string[] {
  const { ProductName, Model, OSVersion } = state.device.facts
  return needs
    ? lacksOf(needs.names, { productName: ProductName || Model, osVersion: OSVersion })
    : []
}

/**
 * The declaration that brings the profile of a command. While it is active, the command fails (Apple,
 * "LegacyProfile"). It counts before: a device applies what it is offered as soon as it can.
 * @returns a text, or nothing
 */
function declaredProfile(
  context: Context,
  channel: Channel | undefined,
  { requestType, needs }: NewCommand,
): readonly string[] {
  const profile = needs?.profile
  const row = profile && channel && presentManifest(context, channel)
  const found = row && row.offered.find(({ profiles = [] }) => profiles.includes(profile))
  return found
    ? [
        `the declaration ${found.identifier} brings the profile ${profile} to this device, and while it ` +
          `is active, ${requestType} fails: change the declaration`,
      ]
    : []
}

function outOfTime({ now }: Context, { terms }: NewCommand): string | undefined {
  return terms && terms.expiresAt > 0 && terms.expiresAt <= now
    ? 'expires_at has to lie ahead: it has passed'
    : undefined
}

function repeatedRequest(
  { db }: Context,
  channel: Channel,
  requestKey: string,
): { readonly id: number; readonly requestHash: string } | undefined {
  return requestKey === '' ? undefined : commandOfRequest(db, channel, requestKey)
}

/** MicroMDM's API accepts the command, and the device will refuse it: an event says why. */
export function recordUnsupported(
  context: Context,
  channel: Channel,
  about: {
    readonly n: number
    readonly command: NewCommand
    readonly lacks: readonly string[]
  },
): void {
  const { n, command, lacks } = about
  const { name, effects, state } = context
  recordOwnEvent(context, {
    // The log names events by their ids, so the id contains no UserID.
    id: `${name}.${rowOf(channel, n)}/unsupported`,
    topic: COMMAND_UNSUPPORTED,
    about: {
      enrollment: enrollmentOfChannel(state.device, channel),
      params: {},
      commandUUID: command.uuid,
      commandId: commandId(context, channel, n),
      requestType: command.requestType,
      lacks,
    },
  })
  effects.notes.push({
    event: 'command:unsupported',
    ...namedInLog(name, channel.user !== '', n),
    reason: lacks.join('; '),
  })
}
