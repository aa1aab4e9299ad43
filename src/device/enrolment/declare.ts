import type { CheckIn } from '../../mdm/message.ts'
import { answerEndpoint } from '../declarations/endpoint.ts'
import { takeStatus } from '../declarations/status.ts'
import { isUndecided } from '../standing/contest.ts'
import { recalledChannel } from '../store/channels.ts'
import type { Context } from '../store/context.ts'
import { isUnproven } from '../store/rows/device.ts'
import type { DeviceAnswer, DeviceInput, Declares } from './message.ts'
import { recordMessage, recordStatus } from './message-events.ts'

type Request = Extract<CheckIn, { messageType: 'DeclarativeManagement' }>
type Answer = Pick<
  Extract<DeviceAnswer, { kind: 'accepted' }>,
  'later' | 'unproven' | 'contested' | 'declared'
>

/** A request for declarations, or a status report (docs/protocol.md §11). */
export function declare(
  context: Context,
  message: Request,
  input: DeviceInput,
  { report }: Declares,
): Answer {
  const { device } = context.state
  const { user } = message.enrollment
  if (input.listeners?.length !== 0) {
    recordMessage(context, input, {})
  }
  if (isUndecided(context) || isUnproven(device)) {
    return { unproven: true }
  }
  if (device.namesake === 'contested' && user === '') {
    return { contested: true }
  }
  const channel = recalledChannel(context, user)
  if (!report) {
    return { declared: answerEndpoint(context, channel, message.endpoint, true) }
  }
  if (!channel) {
    return { declared: { kind: 'taken' } }
  }
  const effect = takeStatus(context, channel, report)
  recordStatus(context, input, effect)
  return { declared: { kind: 'taken', channel: effect.channel } }
}
