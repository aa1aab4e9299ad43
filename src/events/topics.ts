import type { Message } from '../mdm/message.ts'

/** The topics of MicroMDM's webhook: receivers written for it know no others. */
export const MICROMDM_TOPICS = [
  'mdm.Authenticate',
  'mdm.TokenUpdate',
  'mdm.CheckOut',
  'mdm.Connect',
  'mdm.GetBootstrapToken',
  'mdm.SetBootstrapToken',
] as const

/** A message signed by an identity of an earlier enrolment was turned away. */
export const IDENTITY_CONFLICT = 'identity_conflict'

/** An identity without proof enrols with the id of a device that is enrolled: the event's body is its Authenticate. */
export const ENROLLMENT_CONTESTED = 'enrollment.contested'

/** A contest has come to an end, or another of those without proof is served: `proof` says why. */
export const ENROLLMENT_SETTLED = 'enrollment.settled'

/** APNs says that a channel's push token is dead: the device was erased, or left without a word. */
export const PUSH_UNREGISTERED = 'push.unregistered'
/** A device has put a command off again and again; the event says how often. */
export const COMMAND_DEFERRED = 'command.deferred'
/** MicroMDM's API queued a command that the device's OS does not have; the event says what takes its place. */
export const COMMAND_UNSUPPORTED = 'command.unsupported'
/** A device wants its next identity, and no renewal profile can be sent: an admin has to see to it before the present one ends. */
export const RENEWAL_NEEDED = 'renewal.needed'

/** Sent when an admin wants to know whether a webhook works, whatever it listens to. */
export const WEBHOOK_TEST = 'webhook.test'

export const TOPICS = [
  ...MICROMDM_TOPICS,
  'mdm.UserAuthenticate',
  'mdm.DeclarativeManagement',
  'mdm.GetToken',
  IDENTITY_CONFLICT,
  ENROLLMENT_CONTESTED,
  ENROLLMENT_SETTLED,
  PUSH_UNREGISTERED,
  COMMAND_DEFERRED,
  COMMAND_UNSUPPORTED,
  RENEWAL_NEEDED,
  WEBHOOK_TEST,
] as const

export type Topic = (typeof TOPICS)[number]

export function isTopic(text: string): text is Topic {
  return TOPICS.some((topic) => topic === text)
}

export function topicOf(message: Message): Topic {
  return message.kind === 'report' ? 'mdm.Connect' : `mdm.${message.messageType}`
}

/** Bodies of these carry escrow secrets, wherever they rest. */
export function isSecretTopic(topic: Topic): boolean {
  return topic === 'mdm.TokenUpdate' || topic === 'mdm.SetBootstrapToken'
}
