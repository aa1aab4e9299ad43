/** The steps of an enrolment that the console shows (docs/enrolment.md). */
import type { DeviceAnswer } from '../../device/enrolment/message.ts'
import { noteStep } from '../../figures/steps.ts'
import type { DeviceFacts, Message } from '../../mdm/message.ts'

/** Notes that a device has begun to enrol, or has enrolled. A renewal of its identity is neither. */
export function noteEnrolment(
  message: Message,
  { enrolled, news: { directory } }: Extract<DeviceAnswer, { kind: 'accepted' }>,
): void {
  const { device } = message.enrollment
  if (enrolled) {
    noteStep('enrolled', directory ? nameOf(directory.facts) : '', device)
  } else if (isCheckIn(message, 'Authenticate') && directory?.state !== 'enrolled') {
    noteStep('checked_in', nameOf(message.facts), device)
  }
}

/** Notes why a device that enrols got no further. */
export function noteObstacle(message: Message | undefined, reason: string): void {
  if (message && isCheckIn(message, 'Authenticate')) {
    noteStep('refused', reason, message.enrollment.device)
  }
}

type CheckInMessage = Extract<Message, { kind: 'checkin' }>

function isCheckIn<Type extends CheckInMessage['messageType']>(
  message: Message,
  type: Type,
): message is Extract<Message, { kind: 'checkin'; messageType: Type }> {
  return message.kind === 'checkin' && message.messageType === type
}

function nameOf({ DeviceName, SerialNumber }: DeviceFacts): string {
  return DeviceName || SerialNumber
}
