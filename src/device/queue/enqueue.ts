import { lacksOf } from '../../apple/support.ts'
import { enrollmentId } from '../../mdm/enrollment.ts'
import { isDevice } from '../store/address.ts'
import { problemWith } from './clear-passcode.ts'
import { commandId } from './lookup.ts'
import type { Context } from '../store/context.ts'
import { recordUnsupported } from '../enrolment/message-events.ts'
import { isOvercrowded, recalledChannel } from '../store/channels.ts'
import { enqueue, type NewCommand } from './hand-out.ts'
import { queueOf } from './window.ts'
import { CHANNEL_SPAN } from '../store/schema.ts'
import { channelOf, type Channel } from '../store/state.ts'

export type Queued =
  /** `repeated`: the request with this Idempotency-Key had queued it before. */
  | {
      readonly kind: 'queued'
      readonly id: string
      readonly repeated: boolean
      /** Whether an enrolment of that id has ever been here; objects of an earlier version do not say. */
      readonly known?: boolean
    }
  /** As many commands wait as may; the text says so. */
  | { readonly kind: 'full'; readonly error: string }
  /** Another request had this Idempotency-Key. */
  | { readonly kind: 'key_reused' }
  /** It can only fail; the text says why. */
  | { readonly kind: 'unusable'; readonly error: string }
  /** The device's OS does not have it; the text says what takes its place. */
  | { readonly kind: 'unsupported'; readonly error: string }

/** Queues a command that an admin sends, unless it can only fail. */
export function queueCommand(context: Context, user: string, command: NewCommand): Queued {
  const known = recalledChannel(context, user)
  const earlier = known && commandOfRequest(context, known, command.terms?.requestKey ?? '')
  if (known && earlier) {
    return earlier.requestHash === command.terms?.requestHash
      ? queued(context, known, earlier.n, true)
      : { kind: 'key_reused' }
  }
  // What could be queued then need not be possible now: the request that came before is looked for first.
  const unusable = outOfTime(context, command) ?? problemWith(context, command)
  if (unusable !== undefined) {
    return { kind: 'unusable', error: unusable }
  }
  const lacks = lacksOfDevice(context, command)
  if (lacks.length > 0 && command.needs?.otherwise === 'refuse') {
    return { kind: 'unsupported', error: `${lacks.join('; ')} (\`force\` queues it anyway)` }
  }
  const channel = channelOf(context, user)
  const full = fullness(context, channel)
  if (full !== undefined) {
    return { kind: 'full', error: full }
  }
  const n = enqueue(context, channel, command)
  if (lacks.length > 0) {
    recordUnsupported(context, channel, { n, command, lacks })
  }
  return queued(context, channel, n, false)
}

/** Why no more commands are taken for a channel; undefined while there is room. */
function fullness(context: Context, channel: Channel): string | undefined {
  const { maxQueue } = context.settings
  const { depth } = queueOf(context, channel)
  if (depth >= maxQueue) {
    const id = enrollmentId(context.name, channel.user)
    return `${depth} commands wait for ${id} already, and MAX_QUEUE allows ${maxQueue}: clear the queue, or find out why the device does not fetch them`
  }
  return channel.user !== '' && isOvercrowded(context)
    ? `commands wait for too many users of ${context.name} who have not come for long: cancel those commands, or block the device if it makes users up`
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

function outOfTime({ now }: Context, { terms }: NewCommand): string | undefined {
  return terms && terms.expiresAt > 0 && terms.expiresAt <= now
    ? 'expires_at has to lie ahead: it has passed'
    : undefined
}

function commandOfRequest(
  context: Context,
  channel: Channel,
  requestKey: string,
): { n: number; requestHash: string } | undefined {
  const base = channel.id * CHANNEL_SPAN
  return requestKey === '' || context.state.device.schema === 0
    ? undefined
    : context.db.all<{ n: number; requestHash: string }>(
        `SELECT id - ? AS n, request_hash AS requestHash FROM commands WHERE id BETWEEN ? AND ? AND request_key = ?`,
        base,
        base,
        base + CHANNEL_SPAN - 1,
        requestKey,
      )[0]
}
