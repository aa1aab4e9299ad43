/** The events that a device's message causes. */
import { aboutMessage, type EventAbout } from '../../events/event.ts'
import {
  COMMAND_DEFERRED,
  DECLARATION_CHANGED,
  DEVICE_STATUS,
  ENROLLMENT_CONTESTED,
  IDENTITY_CONFLICT,
  topicOf,
  type Topic,
} from '../../events/topics.ts'
import type { StatusEffect } from '../declarations/status.ts'
import { recordEvent } from '../outbox/record.ts'
import type { ReportEffect } from '../queue/report.ts'
import { commandId } from '../store/commands/ids.ts'
import { namedInLog } from '../store/commands/log.ts'
import type { Context } from '../store/context.ts'
import type { Subscribers } from '../store/events.ts'
import type { CheckInEffect } from './check-in.ts'
import type { DeviceInput } from './message.ts'

/** Changes of declarations in one event: a device may have thousands. */
const MOST_CHANGES = 200

/** The event of the message itself. */
export function recordMessage(context: Context, input: DeviceInput, effect: CheckInEffect): void {
  const more = {
    ...(effect.tally === undefined ? {} : { tokenUpdateTally: effect.tally }),
    ...(effect.renewal ? { renewal: true as const } : {}),
    ...(context.state.device.contest ? { contested: true as const } : {}),
  }
  record(context, input, { topic: topicOf(input.message), more }, input.listeners)
}

/** The device works, and answers NotNow again and again: an admin should check it. */
export function recordDeferred(
  context: Context,
  input: DeviceInput,
  { n, notNows }: Extract<ReportEffect, { kind: 'deferred' }>,
): void {
  const { user } = input.message.enrollment
  const more = { commandId: commandId(context, { user }, n), notNows }
  record(
    context,
    input,
    { suffix: '/deferred', topic: COMMAND_DEFERRED, more },
    input.deferredListeners,
  )
  context.effects.notes.push({
    event: 'mdm:command-deferred',
    ...namedInLog(context.name, user !== '', n),
  })
}

/**
 * An admin may know which enrolment is the device. The event lets the admin decide before a proof arrives.
 */
export function recordContest(context: Context, input: DeviceInput, until: number): void {
  const { fingerprint } = input
  const more = { fingerprint, contestedUntil: until }
  record(
    context,
    input,
    { suffix: '/contested', topic: ENROLLMENT_CONTESTED, more },
    input.contestListeners,
  )
  const detail = { device: context.name, fingerprint }
  context.effects.notes.push({ event: 'mdm:enrollment-contested', ...detail })
}

/** The server refuses the message of an earlier identity: an admin may reinstate it. */
export function recordConflict(context: Context, input: DeviceInput): void {
  const { fingerprint } = input
  record(
    context,
    input,
    { topic: IDENTITY_CONFLICT, more: { fingerprint } },
    input.conflictListeners,
  )
  const detail = { device: context.name, fingerprint }
  context.effects.notes.push({ event: 'mdm:identity-conflict', ...detail })
}

/** Declarations have another state, or status items another value. */
export function recordStatus(
  context: Context,
  input: DeviceInput,
  { changes, items }: Pick<StatusEffect, 'changes' | 'items'>,
): void {
  const quiet = { ...input, body: new Uint8Array() }
  if (changes.length > 0) {
    const topic = DECLARATION_CHANGED
    const more = { declarations: changes.slice(0, MOST_CHANGES) }
    const event = { suffix: '/declarations', topic, more } as const
    record(context, quiet, event, input.declares?.declarationListeners)
  }
  if (items.length > 0) {
    const event = { suffix: '/status', topic: DEVICE_STATUS, more: { items } } as const
    record(context, quiet, event, input.declares?.statusListeners)
  }
}

/** `suffix` distinguishes an event from that of the message itself. */
function record(
  context: Context,
  { eventId, message, params, body }: DeviceInput,
  event: { readonly topic: Topic; readonly suffix?: string; readonly more: Partial<EventAbout> },
  subscribers: Subscribers,
): void {
  const { topic, suffix = '', more } = event
  const about = { ...aboutMessage(message, params), ...more }
  recordEvent(context, { id: eventId + suffix, topic, about, body }, subscribers)
}
