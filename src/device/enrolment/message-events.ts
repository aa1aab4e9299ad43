/** The events that a device's message becomes, and those about its commands. */
import { aboutMessage } from '../../events/event.ts'
import {
  COMMAND_DEFERRED,
  COMMAND_UNSUPPORTED,
  ENROLLMENT_CONTESTED,
  ENROLLMENT_SETTLED,
  topicOf,
} from '../../events/topics.ts'
import { enrollmentId } from '../../mdm/enrollment.ts'
import type { CheckInEffect } from './check-in.ts'
import type { Context } from '../store/context.ts'
import { placeOf } from '../store/commands/log.ts'
import { recordEvent } from '../outbox/record.ts'
import { enrollmentOfChannel } from '../push/decide.ts'
import { CHANNEL_SPAN } from '../store/schema.ts'
import type { Channel } from '../store/state.ts'
import type { Proof } from '../store/proof.ts'
import type { NewCommand, ReportEffect } from '../queue/hand-out.ts'
import type { DeviceInput } from './receive.ts'

/** The event of the message itself. */
export function record(context: Context, input: DeviceInput, effect: CheckInEffect): void {
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

/** The device is not stuck, it only never has the time: somebody should look. */
export function recordDeferred(
  context: Context,
  input: DeviceInput,
  { n, notNows }: Extract<ReportEffect, { kind: 'deferred' }>,
): void {
  const { user } = input.message.enrollment
  const commandId = `${enrollmentId(context.name, user)}.${n}`
  recordEvent(
    context,
    {
      // Derived: this message has an event of its own already.
      id: `${input.eventId}/deferred`,
      topic: COMMAND_DEFERRED,
      about: { ...aboutMessage(input.message, input.params), commandId, notNows },
      body: input.body,
    },
    input.deferredListeners,
  )
  context.effects.notes.push({
    event: 'mdm:command-deferred',
    ...placeOf(context.name, user !== '', n),
  })
}

/** MicroMDM's API takes the command, and the device will refuse it: the event says why. */
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
  const commandId = `${enrollmentId(context.name, channel.user)}.${n}`
  recordEvent(
    context,
    {
      // The log names events, so that no UserID is in it.
      id: `${context.name}.${channel.id * CHANNEL_SPAN + n}/unsupported`,
      topic: COMMAND_UNSUPPORTED,
      about: {
        enrollment: enrollmentOfChannel(context, channel),
        params: {},
        commandUUID: command.uuid,
        commandId,
        requestType: command.requestType,
        lacks,
      },
      body: new Uint8Array(),
    },
    // The object does not know who listens.
    undefined,
  )
  context.effects.notes.push({
    event: 'command:unsupported',
    ...placeOf(context.name, channel.user !== '', n),
    reason: lacks.join('; '),
  })
}

/** An admin who knows which of the two is the device need not wait until one of them shows it. */
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

/** What came of a contest, for those who heard that there was one. */
export function recordSettled(context: Context, proof: Proof): void {
  const { name, now, effects, state } = context
  recordEvent(
    context,
    {
      id: `${name}/settled/${now}`,
      topic: ENROLLMENT_SETTLED,
      about: { enrollment: { type: state.device.type, device: name, user: '' }, params: {}, proof },
      body: new Uint8Array(),
    },
    // The object does not know who listens.
    undefined,
  )
  effects.notes.push({ event: 'mdm:contest-settled', device: name, proof })
}
