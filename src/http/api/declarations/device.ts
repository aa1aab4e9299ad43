import { z } from '../zod.ts'
import type { DeclarationReply, DeclarationRequest } from '../../../device/declarations/requests.ts'
import type { DeclarationsView } from '../../../device/declarations/view.ts'
import { noteChangeOf, RAISE_REVISION } from '../../../directory/declarations/changes.ts'
import { storeStates } from '../../../directory/declarations/states.ts'
import { writeAll } from '../../../directory/sql.ts'
import type { Env } from '../../../env.ts'
import { splitEnrollmentId } from '../../../mdm/enrollment.ts'
import type { Reason } from '../../../ddm/states.ts'
import { atEnrollment } from '../device-id.ts'
import { newRoutes } from '../new-routes.ts'
import { answer, body, DEVICE_PARAMS, DONE, NO_DEVICE, operation } from '../operation.ts'
import { atOrNull, iso, textOrNull, time } from '../values.ts'
import { platformWord } from '../words.ts'
import { knownEnrollmentId } from './sets/members.ts'
import {
  DECLARATION_EXAMPLE,
  DECLARATION_EXAMPLE_ID,
  declarationId,
  ENROLLMENT_EXAMPLE_ID,
  stateFields,
} from './schema.ts'
import { changeCatalog } from './write.ts'

/** The declarations of one device or user. */
export const deviceDeclarationRoutes = newRoutes()

const tags = ['Declarations']
const MAX_RESENT = 2000

/** A value that is always there: `null` stands for none. */
export const anyJson = z.unknown().refine((value): boolean => value !== undefined)

export const reasonSchema = z
  .object({ code: z.string(), description: z.string().nullable(), details: anyJson })
  .openapi('DeclarationReason')

const facts = z
  .object({
    platform: platformWord.nullable(),
    os_version: z.string().nullable(),
    enrollment: z.enum(['supervised', 'device', 'user']).nullable(),
    channel: z.enum(['device', 'user']),
    shared_ipad: z.boolean(),
    models: z.array(z.string()),
    serial_number: z.string().nullable(),
    supported_types: z.array(z.string()).nullable().openapi({
      description: 'the declaration types that it reported; null before its report',
    }),
  })
  .openapi('ChannelFacts')

const onDevice = z
  .object({
    id: z.string(),
    type: z.string(),
    ...stateFields,
    since: time,
    server_token: z.string().nullable(),
    reported_token: z.string().nullable().openapi({ description: 'as the device reported it' }),
    active: z.boolean().nullable().openapi({ description: 'as reported; null without a report' }),
    valid: z.string().nullable(),
    reasons: z.array(reasonSchema),
  })
  .openapi('DeviceDeclaration')

const declarationsSchema = z
  .object({
    id: z.string(),
    enabled: z.boolean().openapi({ description: 'whether it was ever offered declarations' }),
    synced: z.boolean().openapi({ description: 'whether it has fetched the present list' }),
    declarations_token: z.string().nullable(),
    changed_at: time.nullable(),
    facts: facts.openapi({ description: 'what decides which declarations it gets' }),
    declarations: z.array(onDevice),
  })
  .openapi('DeviceDeclarations')

const EXAMPLE: z.input<typeof declarationsSchema> = {
  id: ENROLLMENT_EXAMPLE_ID,
  enabled: true,
  synced: true,
  declarations_token: '3f0a1c5e7b9d2f4a6c8e0b1d3f5a7c9e1b3d5f7a9c0e2b4d6f8a1c3e5b7d9f0a',
  changed_at: '2026-11-28T09:00:00Z',
  facts: {
    platform: 'macOS',
    os_version: '26.1',
    enrollment: 'supervised',
    channel: 'device',
    shared_ipad: false,
    models: ['MacBookAir10,1'],
    serial_number: 'C02EXAMPLE',
    supported_types: null,
  },
  declarations: [
    {
      id: DECLARATION_EXAMPLE_ID,
      type: DECLARATION_EXAMPLE.type,
      state: 'applied',
      code: null,
      since: '2026-11-28T09:00:04Z',
      server_token: DECLARATION_EXAMPLE.server_token,
      reported_token: DECLARATION_EXAMPLE.server_token,
      active: true,
      valid: 'valid',
      reasons: [],
    },
  ],
}

deviceDeclarationRoutes.openapi(
  operation('getDeviceDeclarations', 'get', '/devices/{id}/declarations', {
    tags,
    summary:
      'The declarations of a device or a user: what it gets and reports, and what is withheld',
    params: DEVICE_PARAMS,
    answers: { 200: answer('its declarations', declarationsSchema, EXAMPLE) },
    problems: NO_DEVICE,
  }),
  async (c) => c.json(declarationsJson(await viewAt(c.env, c.req.valid('param').id)), 200),
)

const resend = z.strictObject({
  ids: z.array(declarationId).min(1).max(MAX_RESENT).optional().openapi({
    description: 'which declarations; all that it is offered if left out',
  }),
})

deviceDeclarationRoutes.openapi(
  operation('resendDeclarations', 'post', '/devices/{id}/declarations/resend', {
    tags,
    summary: 'Lets one device fetch declarations again, unchanged',
    params: DEVICE_PARAMS,
    body: body(resend, { all: {}, one: { ids: [DECLARATION_EXAMPLE_ID] } }),
    answers: { 200: answer('how many', z.object({ resent: z.int() }), { resent: 1 }) },
    problems: NO_DEVICE,
  }),
  async (c) => {
    const { ids } = c.req.valid('json')
    const uuid = crypto.randomUUID()
    const request = { kind: 'resend', identifiers: ids, uuid } as const
    const { count, channel } = await askChannel(c.env, c.req.valid('param').id, request)
    await storeStates(c.env.DB, channel ? [channel] : [])
    return c.json({ resent: count }, 200)
  },
)

deviceDeclarationRoutes.openapi(
  operation('syncDeclarations', 'post', '/devices/{id}/declarations/sync', {
    tags,
    summary: 'Sends the device the command to synchronise, even if nothing has changed for it',
    params: DEVICE_PARAMS,
    answers: { 204: DONE },
    problems: NO_DEVICE,
  }),
  async (c) => {
    const { device } = splitEnrollmentId(await knownEnrollmentId(c.env, c.req.valid('param').id))
    await changeCatalog(c.env, { notify: true }, (d1, when) =>
      writeAll(d1, [RAISE_REVISION, noteChangeOf({ device }, when, true)]),
    )
    return c.body(null, 204)
  },
)

type Kind = DeclarationReply['kind']
type ReplyOf<K extends Kind> = Extract<DeclarationReply, { kind: K }>

/** Asks the object of a channel. @throws RequestError for an unknown id */
export async function askChannel<K extends Kind>(
  env: Env,
  id: string,
  request: Extract<DeclarationRequest, { kind: K }>,
): Promise<ReplyOf<K>> {
  const { kind }: { readonly kind: K } = request
  const reply = await atEnrollment(env, id, (device, address) =>
    device.declarations(address, request),
  )
  if (!isReply(reply, kind)) {
    throw new Error(`the object answered ${reply.kind} to ${kind}`)
  }
  return reply
}

function isReply<K extends Kind>(reply: DeclarationReply, kind: K): reply is ReplyOf<K> {
  return reply.kind === kind
}

export async function viewAt(env: Env, id: string): Promise<DeclarationsView> {
  return (await askChannel(env, id, { kind: 'view' })).view
}

export function reasonJson(reason: Reason): z.input<typeof reasonSchema> {
  const { code, description, details = null } = reason
  return { code, description: textOrNull(description), details }
}

function declarationsJson(view: DeclarationsView): z.input<typeof declarationsSchema> {
  return {
    id: view.enrollment,
    enabled: view.on,
    synced: view.synced,
    declarations_token: textOrNull(view.token),
    changed_at: atOrNull(view.changedAt),
    facts: factsJson(view.facts),
    declarations: view.declarations.map((one) => ({
      id: one.identifier,
      type: one.type,
      state: one.state,
      code: textOrNull(one.code),
      since: iso(one.since),
      server_token: textOrNull(one.serverToken),
      reported_token: textOrNull(one.reportedToken),
      active: one.valid === '' ? null : one.active,
      valid: textOrNull(one.valid),
      reasons: one.reasons.map(reasonJson),
    })),
  }
}

function factsJson(of: DeclarationsView['facts']): z.input<typeof facts> {
  return {
    platform: of.platform ?? null,
    os_version: textOrNull(of.osVersion),
    enrollment: of.enrollment ?? null,
    channel: of.scope === 'user' ? 'user' : 'device',
    shared_ipad: of.sharedIPad,
    models: [...of.models],
    serial_number: textOrNull(of.serialNumber),
    supported_types: of.supported?.slice() ?? null,
  }
}
