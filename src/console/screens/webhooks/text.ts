/** Words and sentences of webhooks. */
import type { Schema } from '../../api/types.ts'
import type { Tone } from '../../kit/badge.tsx'
import { relative } from '../../time/words.ts'

type Topic = Schema<'Topic'>
type Webhook = Schema<'Webhook'>

const STATES: Readonly<Record<Webhook['state'], readonly [Tone, string]>> = {
  active: ['good', 'Delivers'],
  down: ['bad', 'Down'],
  paused: ['warn', 'Paused'],
  disabled: ['quiet', 'Off'],
  unreadable: ['bad', 'Cannot be read'],
}

/** How a webhook stands. One that has delivered nothing yet has not shown that its receiver answers. */
export function standingOf({ state, deliveries }: Webhook): readonly [Tone, string] {
  return state === 'active' && deliveries.last_delivered_at === null
    ? ['quiet', 'Active']
    : STATES[state]
}

const MINUTE = 60_000

/** When a receiver that is down gets its next post. */
export function nextTry(at: string, now: number): string {
  const time = Date.parse(at)
  return time - now < MINUTE ? 'The next is due.' : `The next is ${relative(time, now)}.`
}

export const POST_STATES: Readonly<Record<Schema<'Post'>['state'], readonly [Tone, string]>> = {
  delivered: ['good', 'Delivered'],
  refused: ['bad', 'Refused'],
  down: ['bad', 'Not answered'],
}

/** What each group of topics tells, in the order of the form (docs/webhooks.md). */
export const GROUPS = {
  micromdm: 'MicroMDM’s topics: check-ins and answers of devices',
  checkin: 'Other check-ins',
  enrolment: 'Enrolments, pushes and commands that need a look',
  declarations: 'Declarations and status items',
  setup: 'Setups of devices',
  dep: 'Apple Business Manager',
  audit: 'What admins did',
  ends: 'Ends of certificates, tokens and keys',
} as const

/** The group of each topic. The test of a webhook comes to all of them. */
export const TOPICS: Readonly<Record<Exclude<Topic, 'webhook.test'>, keyof typeof GROUPS>> = {
  'mdm.Authenticate': 'micromdm',
  'mdm.TokenUpdate': 'micromdm',
  'mdm.CheckOut': 'micromdm',
  'mdm.Connect': 'micromdm',
  'mdm.GetBootstrapToken': 'micromdm',
  'mdm.SetBootstrapToken': 'micromdm',
  'mdm.UserAuthenticate': 'checkin',
  'mdm.DeclarativeManagement': 'checkin',
  'mdm.GetToken': 'checkin',
  identity_conflict: 'enrolment',
  'enrollment.contested': 'enrolment',
  'enrollment.settled': 'enrolment',
  'push.unregistered': 'enrolment',
  'command.deferred': 'enrolment',
  'command.unsupported': 'enrolment',
  'renewal.needed': 'enrolment',
  'declaration.changed': 'declarations',
  'device.status': 'declarations',
  'setup.started': 'setup',
  'setup.step': 'setup',
  'setup.held': 'setup',
  'setup.timed_out': 'setup',
  'setup.released': 'setup',
  'setup.finished': 'setup',
  'setup.none': 'setup',
  'dep.device': 'dep',
  'dep.assigned': 'dep',
  'dep.failed': 'dep',
  'dep.account': 'dep',
  'audit.command': 'audit',
  'audit.destructive': 'audit',
  'audit.enroll': 'audit',
  'audit.config': 'audit',
  'audit.secrets': 'audit',
  'audit.backup': 'audit',
  'audit.admin': 'audit',
  'auth.failing': 'audit',
  'expiry.push_certificate': 'ends',
  'expiry.ca': 'ends',
  'expiry.identities': 'ends',
  'expiry.dep_token': 'ends',
  'expiry.profile_signing': 'ends',
  'expiry.api_key': 'ends',
}

export const NO_WEBHOOKS = 'Other programs hear of devices by webhooks. None is set up.'

export const KEPT_BY_VARS =
  'This is the webhook of WEBHOOK_URL. Its settings are vars of the Worker: change them there, then deploy.'

export const ONCE =
  'This secret signs what is posted. Give it to the receiver now: it is not shown again.'

export const REMOVING =
  'Its dead letters and all events that have not reached it are lost. Nothing brings them back.'

/** The topics of a group, in the order of the table above. */
export function topicsOf(group: string): readonly Topic[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of a table of topics
  return (Object.keys(TOPICS) as (keyof typeof TOPICS)[]).filter((topic) => TOPICS[topic] === group)
}

/** How a test post went, in one sentence. */
export function testSentence(answer: Schema<'TestWebhookAnswer'>): string {
  const { state, status, reason, latency_ms: took } = answer
  return state === 'delivered'
    ? `The receiver accepted the test with ${status} in ${took} ms`
    : `The receiver did not accept the test: ${reason ?? `status ${status}`}`
}
