/** The events of webhooks in the document: a schema for each topic. `topic` distinguishes them. */
import { envelopeOf, renderEvent, type EventEnvelope } from '../../../events/event.ts'
import { TOPICS, WEBHOOK_TEST, type Topic } from '../../../events/topics.ts'
import { ENROLLMENT_TYPES } from '../../../mdm/enrollment.ts'
import { DEVICE, EVENT_KINDS } from './event-kinds.ts'
import { text, yes, type Document, type Schema } from './kind.ts'
import { serverEvent } from './server-kinds.ts'
import { writeSchema, type Schemas } from './write-schema.ts'

const IDS: Schema = {
  type: 'object',
  required: ['id', 'type'],
  description: 'the sender, in NanoMDM’s words',
  properties: {
    id: text('enrolment id: the `id` of a device in this API'),
    type: { type: 'string', enum: [...ENROLLMENT_TYPES], description: 'kind of enrolment' },
    parent_id: text('the enrolment id of the device; only for a user channel'),
  },
}

/** The part of an event about its message, in both envelopes. */
function aboutSchema(topic: Topic): Schema {
  const { always, sometimes } = EVENT_KINDS[topic]
  const isReport = envelopeOf(topic) === 'acknowledge_event'
  const params = {
    type: isReport ? ('object' as const) : ['object' as const, 'null' as const],
    additionalProperties: { type: 'string' as const },
    description:
      'query parameters of the device’s CheckInURL or ServerURL; ' +
      `${isReport ? 'absent' : 'null'} if there are none`,
  }
  return {
    type: 'object',
    description: 'the enrolment, and the message that it sent',
    required: [
      'raw_payload',
      'ids',
      ...(isReport ? [] : ['url_params']),
      ...Object.keys(always ?? {}),
    ],
    properties: {
      udid: text('of the device; absent in a User Enrollment'),
      enrollment_id: text('in place of `udid` in a User Enrollment'),
      raw_payload: {
        type: 'string',
        contentEncoding: 'base64',
        description:
          'the bytes that the device sent: a property list; empty if there is no message',
      },
      redacted: {
        type: 'array',
        items: { type: 'string', enum: ['UnlockToken', 'BootstrapToken', 'raw_payload'] },
        description:
          'the parts that were removed from `raw_payload` (`redact_tokens`); `raw_payload` itself if XML ' +
          'cannot hold it',
      },
      url_params: params,
      ids: IDS,
      ...always,
      ...sometimes,
    },
  }
}

const ACCOUNT_NEWS: Schema = {
  type: 'object',
  description: 'the account and what is new of it; docs/apple-business-manager.md lists the facts',
  required: ['account'],
  properties: { account: text('the id of the account: `id` of listDepAccounts') },
  additionalProperties: true,
}

function contentSchema(topic: Topic, envelope: EventEnvelope, schemas: Schemas): Schema {
  switch (envelope) {
    case 'dep_event':
      return ACCOUNT_NEWS
    case 'server_event':
      return {
        ...writeSchema(serverEvent(topic), schemas),
        description: 'what there is to tell of the server',
      }
    case 'acknowledge_event':
    case 'checkin_event':
      return aboutSchema(topic)
  }
}

function eventSchema(topic: Topic, schemas: Schemas): Schema {
  const about = envelopeOf(topic)
  return {
    type: 'object',
    description: EVENT_KINDS[topic].says,
    required: ['topic', 'event_id', 'created_at', about, 'sequence'],
    properties: {
      topic: { type: 'string', const: topic, description: 'the kind of event' },
      event_id: text('the same in each post of the event: it shows duplicates'),
      created_at: { type: 'string', format: 'date-time', description: 'when it happened' },
      [about]: contentSchema(topic, about, schemas),
      sequence: {
        type: 'integer',
        description:
          'the number of the event within the device or account, from 1; 0 in `webhook.test`',
      },
      request_id: text('the id of the request that caused it, as in the log'),
      replay: yes('an admin replayed it'),
    },
  }
}

/** An event of the topic, as a webhook gets it. */
function exampleOf(topic: Topic): unknown {
  const { example, isEmpty } = EVENT_KINDS[topic]
  const plist = `<plist version="1.0"><dict><key>UDID</key><string>${DEVICE}</string></dict></plist>`
  const event = {
    sequence: topic === WEBHOOK_TEST ? 0 : 17,
    id: '3444be1d-bbf0-45dc-9da3-f707beeecf1b',
    topic,
    at: Date.UTC(2026, 10, 24, 9, 0, 2, 789),
    about: {
      enrollment: { type: 'Device' as const, device: DEVICE, user: '' },
      params: {},
      ...example,
    },
    body: isEmpty ? new Uint8Array() : new TextEncoder().encode(plist),
  }
  return JSON.parse(renderEvent(event))
}

/** The name of a topic's schema: `EnrollmentContestedEvent` of `enrollment.contested`. */
export function schemaName(topic: Topic): string {
  const words = topic.split(/[._]/).map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
  return `${words.join('')}Event`
}

const header = (name: string, description: string, example: string) => ({
  name,
  in: 'header' as const,
  schema: { type: 'string' as const },
  description,
  example,
})

/** The post to a receiver; `Event` is the union of all topics. */
const POST = {
  operationId: 'receiveEvent',
  tags: ['Events'],
  summary: 'An event, as the server posts it to a webhook',
  description:
    'The server posts each event at least once, and the events of a device in their order. A receiver must ' +
    'ignore topics and fields that it does not know, because new ones may come. Answer within 30 s.',
  security: [],
  parameters: [
    header(
      'webhook-id',
      'the `event_id`; like the other three headers, only if the webhook has a secret',
      '3444be1d-bbf0-45dc-9da3-f707beeecf1b',
    ),
    header('webhook-timestamp', 'the time of the post: seconds since 1970', '1795510802'),
    header(
      'webhook-signature',
      '`v1,` and the base64 HMAC-SHA256 of `{webhook-id}.{webhook-timestamp}.{body}` with the bytes behind ' +
        '`whsec_` as the key; several signatures, separated by spaces, while a secret has a successor',
      'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=',
    ),
    header(
      'x-hmac-signature',
      'base64 HMAC-SHA256 of the body with the text of the newest secret as the key, as NanoMDM signs',
      'T0pT8rIoJVyIBdQ1R3AqzJvn0mC6VxQ0tqk8Wzx4jzE=',
    ),
  ],
  requestBody: {
    required: true,
    content: {
      'application/json': {
        schema: { $ref: '#/components/schemas/Event' },
        examples: Object.fromEntries(
          TOPICS.map((topic) => [
            topic,
            {
              get value() {
                return exampleOf(topic)
              },
            },
          ]),
        ),
      },
    },
  },
  responses: {
    '2XX': { description: 'delivered; the server does not read the body' },
    '3XX': {
      description:
        '307 and 308: the server follows them with the event. 301, 302 and 303 refuse the event, because a ' +
        'client would follow them without it',
    },
    '4XX': {
      description:
        'refused: three tries within a minute, then separate retries for 3 days, then a dead letter. 429 ' +
        'counts as 503',
    },
    '5XX': {
      description:
        '502, 503, 504, 521 to 526, 530, and no answer: the receiver is down. The server keeps the order, ' +
        'follows `Retry-After`, and repeats the post until the event is 3 days old. All others refuse the ' +
        'event, as 400 does',
    },
  },
}

/** Adds `webhooks` to the document. */
export function withEvents(document: Document): Document {
  const refs = TOPICS.map((topic) => [topic, `#/components/schemas/${schemaName(topic)}`] as const)
  // As JSON, which an interface is not for the compiler.
  const schemas: Schemas = Object.fromEntries(
    Object.entries(document.components?.schemas ?? {}).map(([name, one]) => [name, { ...one }]),
  )
  const events = TOPICS.map((topic) => [schemaName(topic), eventSchema(topic, schemas)])
  document.components = {
    ...document.components,
    schemas: {
      ...schemas,
      Event: {
        oneOf: refs.map(([, $ref]) => ({ $ref })),
        discriminator: { propertyName: 'topic', mapping: Object.fromEntries(refs) },
      },
      ...Object.fromEntries(events),
    },
  }
  document.webhooks = { event: { post: POST } }
  return document
}
