/** The events that a device's message causes. */
import { aboutMessage } from '../../events/event.ts'
import { COMMAND_DEFERRED, ENROLLMENT_CONTESTED, topicOf } from '../../events/topics.ts'
import { recordEvent } from '../outbox/record.ts'
import type { ReportEffect } from '../queue/report.ts'
import { commandId } from '../store/commands/ids.ts'
import { namedInLog } from '../store/commands/log.ts'
import type { Context } from '../store/context.ts'
import type { CheckInEffect } from './check-in.ts'
import type { DeviceInput } from './message.ts'

/** The event of the message itself. */
export function recordMessage(context: Context, input: DeviceInput, effect: CheckInEffect): void {
  recordEvent(
    context,
    {
      id: input.eventId,
      topic: topicOf(input.message),
      about: {
        ...aboutMessage(input.message, input.params),
        ...(effect.tally === undefined ? {} : { tokenUpdateTally: effect.tally }),
        ...(effect.renewal ? { renewal: true } : {}),
        ...(context.state.device.contest ? { contested: true } : {}),
      },
      body: input.body,
    },
    input.listeners,
  )
}

/** The device works, and answers NotNow again and again: an admin should check it. */
export function recordDeferred(
  context: Context,
  input: DeviceInput,
  { n, notNows }: Extract<ReportEffect, { kind: 'deferred' }>,
): void {
  const { user } = input.message.enrollment
  recordEvent(
    context,
    {
      // Derived: the message has an event of its own.
      id: `${input.eventId}/deferred`,
      topic: COMMAND_DEFERRED,
      about: {
        ...aboutMessage(input.message, input.params),
        commandId: commandId(context, { user }, n),
        notNows,
      },
      body: input.body,
    },
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
  recordEvent(
    context,
    {
      id: `${input.eventId}/contested`,
      topic: ENROLLMENT_CONTESTED,
      about: {
        ...aboutMessage(input.message, input.params),
        fingerprint,
        contestedUntil: until,
      },
      body: input.body,
    },
    input.contestListeners,
  )
  context.effects.notes.push({
    event: 'mdm:enrollment-contested',
    device: context.name,
    fingerprint,
  })
}
