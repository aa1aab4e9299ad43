import { expect, it } from 'vitest'
import { z } from 'zod/v4'
import { schemaName, withEvents } from '../../../../../src/http/api/openapi/event-schema.ts'
import {
  envelopeOf,
  renderEvent,
  testEvent,
  type DeviceEvent,
  type EventAbout,
} from '../../../../../src/events/event.ts'
import { AUDIT_EXAMPLE } from '../../../../../src/http/api/audit/schema.ts'
import { redacted } from '../../../../../src/events/redact.ts'
import { TOPICS, WEBHOOK_TEST, type Topic } from '../../../../../src/events/topics.ts'

const document = withEvents({ openapi: '3.1.0', info: { title: '', version: '' }, paths: {} })
const schemas: Record<string, object> = document.components?.schemas ?? {}

/** The schema by which events are read; a property that it does not tell of is a fault. */
const closed = z.fromJSONSchema(
  JSON.parse(
    JSON.stringify({ $defs: schemas, $ref: '#/components/schemas/Event' }).replaceAll(
      '#/components/schemas/',
      '#/$defs/',
    ),
    (_, found: unknown) =>
      typeof found === 'object' && found !== null && 'properties' in found
        ? { additionalProperties: false, ...found }
        : found,
  ),
)

const device = { type: 'Device', device: 'UDID-1', user: '' } as const
const user = { type: 'User Enrollment', device: 'ENROLLMENT-1', user: 'USER-1' } as const
const bare: EventAbout = { enrollment: device, params: {} }
const contested = { contested: true } as const
const changed = {
  identifier: 'x',
  state: 'failed',
  code: 'Error.Unknown',
  content: '',
  since: 1,
} as const
const setup = {
  run: 1,
  state: 'running',
  blueprints: ['Mac'],
  steps: [{ kind: 'profile', subject: 'com.example', state: 'failed', note: 'no' }],
}
const auditRow = { server: { ...AUDIT_EXAMPLE } }
const ends = {
  server: { name: 'n', not_after: '2026-12-24T09:00:00Z', days_left: 7, count: null, fix: 'f' },
}
const ofCommand = { commandUUID: 'uuid', commandId: 'UDID-1.1' }

/** What the device's object tells in the events of each topic, at its least and at its most. */
const ABOUT: Readonly<Record<Topic, readonly Omit<EventAbout, 'enrollment' | 'params'>[]>> = {
  'mdm.Authenticate': [{}, { renewal: true, ...contested }],
  'mdm.TokenUpdate': [{}, { tokenUpdateTally: 2, ...contested }],
  'mdm.CheckOut': [{}, contested],
  'mdm.Connect': [{ status: 'Idle' }, { status: 'Acknowledged', commandUUID: 'u', ...contested }],
  'mdm.GetBootstrapToken': [{}, contested],
  'mdm.SetBootstrapToken': [{}, contested],
  'mdm.UserAuthenticate': [{}, contested],
  'mdm.DeclarativeManagement': [{}, contested],
  'mdm.GetToken': [{}, contested],
  identity_conflict: [{ fingerprint: 'f' }, { fingerprint: 'f', status: 'Idle' }],
  'enrollment.contested': [{ fingerprint: 'f', contestedUntil: 1 }],
  'enrollment.settled': [{ proof: 'probe' }],
  'push.unregistered': [{}],
  'command.deferred': [{ status: 'NotNow', ...ofCommand, notNows: 3 }],
  'command.unsupported': [{ ...ofCommand, requestType: 'X', lacks: ['x'] }],
  'renewal.needed': [{}],
  'declaration.changed': [
    { declarations: [changed] },
    { declarations: [{ ...changed, before: 'pending' }] },
  ],
  'device.status': [{ items: [{ name: 'passcode.is-present', json: 'true' }] }],
  'setup.started': [{ setup }],
  'setup.step': [{ setup }],
  'setup.held': [{ setup }],
  'setup.timed_out': [{ setup }],
  'setup.released': [{ setup }, { setup: { ...setup, error: 'x' } }],
  'setup.finished': [{ setup }],
  'setup.none': [{ setup: { ...setup, steps: [] } }],
  'dep.device': [{ dep: { account: 'a', change: 'added' } }],
  'dep.assigned': [{ dep: { account: 'a' } }],
  'dep.failed': [{ dep: { account: 'a', serials: ['S'] } }],
  'dep.account': [{ dep: { account: 'a', change: 'terms' } }],
  'audit.command': [auditRow],
  'audit.destructive': [auditRow],
  'audit.enroll': [auditRow],
  'audit.config': [auditRow],
  'audit.secrets': [auditRow],
  'audit.backup': [auditRow],
  'audit.admin': [auditRow],
  'auth.failing': [{ server: { since: new Date(0).toISOString(), failures: 300, networks: {} } }],
  'expiry.push_certificate': [ends],
  'expiry.ca': [ends],
  'expiry.identities': [{ server: { ...ends.server, count: 3 } }],
  'expiry.dep_token': [ends],
  'expiry.profile_signing': [ends],
  'expiry.api_key': [ends],
  'webhook.test': [{}],
}

function event(topic: Topic, about: EventAbout): DeviceEvent {
  const plist = `<plist version="1.0"><dict><key>UnlockToken</key><data>AAAA</data></dict></plist>`
  return { sequence: 3, id: 'event', topic, at: 0, about, body: Buffer.from(plist) }
}

const events: readonly [Topic, string][] = TOPICS.flatMap((topic) =>
  ABOUT[topic].flatMap((about): [Topic, string][] => [
    [topic, renderEvent(event(topic, { ...about, enrollment: device, params: {} }))],
    [
      topic,
      renderEvent(redacted(event(topic, { ...about, enrollment: user, params: { a: 'b' } })), true),
    ],
  ]),
)

it.each(events)('an event of %s is as its schema says, and has no more', (_, posted) => {
  const read: object = JSON.parse(posted)
  expect(closed.safeParse(read)).toMatchObject({ success: true })
  expect(closed.safeParse({ ...read, unheard_of: 1 }).success).toBe(false)
})

it('an event that was caused by a request may say so, and a test event is an event', () => {
  const test: object = JSON.parse(renderEvent(testEvent('id', 0)))
  expect(test).toMatchObject({ topic: WEBHOOK_TEST })
  expect(closed.safeParse(test)).toMatchObject({ success: true })
  expect(closed.safeParse({ ...test, request_id: 'abc' })).toMatchObject({ success: true })
})

it('has a field for all that an event can tell', () => {
  const all: Required<EventAbout> = {
    ...bare,
    requestId: 'r',
    status: 'Idle',
    commandUUID: 'u',
    tokenUpdateTally: 1,
    renewal: true,
    fingerprint: 'f',
    contested: true,
    proof: 'time',
    contestedUntil: 1,
    commandId: 'c',
    notNows: 1,
    requestType: 'X',
    declarations: [changed],
    items: [],
    lacks: [],
    setup,
    dep: { account: 'a' },
    server: {},
  }
  for (const envelope of ['acknowledge_event', 'checkin_event'] as const) {
    const topics = TOPICS.filter((topic) => envelopeOf(topic) === envelope)
    const told = new Set(topics.flatMap((topic) => Object.keys(fieldsOf(topic, envelope))))
    const [topic = WEBHOOK_TEST] = topics
    const rendered: Record<string, object> = JSON.parse(renderEvent(event(topic, all)))
    expect([...told]).toEqual(expect.arrayContaining(Object.keys(rendered[envelope] ?? {})))
  }
})

function fieldsOf(topic: Topic, envelope: string): object {
  const schema = schemas[schemaName(topic)] as {
    properties: Record<string, { properties: object }>
  }
  return schema.properties[envelope]?.properties ?? {}
}

it('gives each example of the document as the real function renders it', () => {
  const posted = document.webhooks?.['event']?.post?.requestBody as {
    content: { 'application/json': { examples: Record<string, { value: unknown }> } }
  }
  const { examples } = posted.content['application/json']
  expect(Object.keys(examples)).toEqual([...TOPICS])
  for (const { value } of Object.values(examples)) {
    expect(closed.safeParse(value)).toMatchObject({ success: true })
  }
})
