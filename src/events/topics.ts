import type { Message } from '../mdm/message.ts'

/** The topics of MicroMDM's webhook. Receivers written for it know no others. */
export const MICROMDM_TOPICS = [
  'mdm.Authenticate',
  'mdm.TokenUpdate',
  'mdm.CheckOut',
  'mdm.Connect',
  'mdm.GetBootstrapToken',
  'mdm.SetBootstrapToken',
] as const

/** A message was rejected: an identity of an earlier enrolment signed it. */
export const IDENTITY_CONFLICT = 'identity_conflict'

/**
 * An identity without proof enrols with the id of an enrolled device. The event's body is its Authenticate.
 */
export const ENROLLMENT_CONTESTED = 'enrollment.contested'

/** A contest ended, or another of the identities without proof is served: `proof` tells why. */
export const ENROLLMENT_SETTLED = 'enrollment.settled'

/** APNs reports that a channel's push token is dead: the device was erased, or left without a message. */
export const PUSH_UNREGISTERED = 'push.unregistered'
/** A device has deferred a command again and again; the event tells how often. */
export const COMMAND_DEFERRED = 'command.deferred'
/** MicroMDM's API queued a command that the device's OS does not have. The event names the replacement. */
export const COMMAND_UNSUPPORTED = 'command.unsupported'
/**
 * A device needs its next identity, and no renewal profile can be sent. An admin has to act before the
 * present identity ends.
 */
export const RENEWAL_NEEDED = 'renewal.needed'

/** A device reports that declarations have another state: applied, failed, or not any more. */
export const DECLARATION_CHANGED = 'declaration.changed'
/** A device reports that status items have another value. */
export const DEVICE_STATUS = 'device.status'

/** How the setup of a device goes (docs/blueprints.md). */
export const SETUP_TOPICS = [
  'setup.started',
  'setup.step',
  'setup.held',
  'setup.timed_out',
  'setup.released',
  'setup.finished',
  'setup.none',
] as const

export type SetupTopic = (typeof SETUP_TOPICS)[number]

/** About an account of Automated Device Enrollment, and not about an enrolled device. */
export const DEP_TOPICS = ['dep.device', 'dep.assigned', 'dep.failed', 'dep.account'] as const
export type DepTopic = (typeof DEP_TOPICS)[number]

/** Rows of the audit (docs/audit.md), by the scope of the deed. */
export const AUDIT_TOPICS = [
  'audit.command',
  'audit.destructive',
  'audit.enroll',
  'audit.config',
  'audit.secrets',
  'audit.backup',
  'audit.admin',
] as const

/** Many wrong keys came within an hour. */
export const AUTH_FAILING = 'auth.failing'

/** Kinds of things that end, such as certificates and tokens (docs/health.md). */
export const EXPIRY_KINDS = [
  'push_certificate',
  'ca',
  'identities',
  'dep_token',
  'profile_signing',
  'api_key',
] as const

export type ExpiryKind = (typeof EXPIRY_KINDS)[number]

/** About something that ends soon or has ended. */
export const EXPIRY_TOPICS = EXPIRY_KINDS.map((kind) => `expiry.${kind}` as const)
export type ExpiryTopic = (typeof EXPIRY_TOPICS)[number]

/** About the deployment itself. Their envelope has a `server_event`. */
export const SERVER_TOPICS = [...AUDIT_TOPICS, AUTH_FAILING, ...EXPIRY_TOPICS] as const
export type ServerTopic = (typeof SERVER_TOPICS)[number]

/** Sent when an admin tests a webhook, whichever topics it subscribes to. */
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
  DECLARATION_CHANGED,
  DEVICE_STATUS,
  ...SETUP_TOPICS,
  ...DEP_TOPICS,
  ...SERVER_TOPICS,
  WEBHOOK_TEST,
] as const

export type Topic = (typeof TOPICS)[number]

export function isTopic(text: string): text is Topic {
  return TOPICS.some((topic) => topic === text)
}

export function topicOf(message: Message): Topic {
  return message.kind === 'report' ? 'mdm.Connect' : `mdm.${message.messageType}`
}

/** Bodies of these hold escrow secrets, wherever they are stored. */
export function isSecretTopic(topic: Topic): boolean {
  return topic === 'mdm.TokenUpdate' || topic === 'mdm.SetBootstrapToken'
}
