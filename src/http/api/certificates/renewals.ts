import { z } from '../zod.ts'
import { projectDevices } from '../../../directory/devices/project.ts'
import { assumedProfile, OWN_PROFILE, renewDevice } from '../../../identity/renew-device.ts'
import {
  chooseRenewals,
  loadRenewalState,
  renewalStatus,
  type RenewalStatus,
} from '../../../jobs/renewal/control.ts'
import {
  type ExpiringIdentity,
  listIdentitiesByExpiry,
} from '../../../directory/devices/renewals.ts'
import { RequestError, faultAt } from '../../request-error.ts'
import { ACTOR, queuedBy } from '../../queue/queued-by.ts'
import { deviceItself } from '../device-id.ts'
import { actor, answer, body, DEVICE_PARAMS, NO_DEVICE, operation } from '../operation.ts'
import { listOf, sortedList } from '../paging.ts'
import { newRoutes } from '../new-routes.ts'
import { serialFields } from '../serial-number.ts'
import { iso, moment, textOrNull, time } from '../values.ts'
import { renewalState } from '../words.ts'
import { identityFields } from './identities.ts'

/** Identities by their end, and their renewal: docs/renewal.md. */
export const renewalRoutes = newRoutes()

const tags = ['Identities']

const listedIdentity = z
  .object({
    ...identityFields,
    serial_number: serialFields.serial_number,
    serial_number_contested: serialFields.serial_number_contested,
    renewal: z
      .object({ state: renewalState, reason: z.string().nullable(), at: time })
      .nullable()
      .openapi({ description: 'null when none was tried in this enrolment' }),
  })
  .openapi('ExpiringIdentity')

const list = sortedList('identity', ['expires_at'])
const BEFORE = { description: 'only those that end earlier', example: '2099-01-01T00:00:00Z' }

renewalRoutes.openapi(
  operation('listIdentitiesByExpiry', 'get', '/identities', {
    tags,
    summary: 'Lists the identities of all enrolments, by their end',
    query: { ...list.query, expires_before: moment.optional().openapi(BEFORE) },
    answers: {
      200: listOf('a page of identities', listedIdentity, {
        id: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
        device_id: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01',
        expires_at: '2027-11-24T00:00:00Z',
        serial_number: 'C02EXAMPLE',
        serial_number_contested: false,
        renewal: {
          state: 'blocked',
          reason: 'it is not known which enrolment profile the device has',
          at: '2027-09-01T03:17:00Z',
        },
      }),
    },
  }),
  async (c) => {
    const query = c.req.valid('query')
    const before = query.expires_before ?? Number.MAX_SAFE_INTEGER
    const page = await list.page(query, {
      read: (range) => listIdentitiesByExpiry(c.env.DB, before, range),
      item: listedIdentityJson,
      place: ({ identityNotAfter, id }) => ({ value: identityNotAfter, id }),
    })
    return c.json(page, 200)
  },
)

function listedIdentityJson(row: ExpiringIdentity): z.input<typeof listedIdentity> {
  const state = renewalState.safeParse(row.renewal).data
  return {
    id: row.identity,
    device_id: row.id,
    expires_at: iso(row.identityNotAfter),
    serial_number: textOrNull(row.serialNumber),
    serial_number_contested: row.isContested,
    renewal: state
      ? { state, reason: textOrNull(row.renewalReason), at: iso(row.renewalAt) }
      : null,
  }
}

const status = z
  .object({
    state: z.enum(['off', 'idle', 'running', 'stopped']).openapi({
      description: '`stopped`: too many failed, or no CA issues; enable it to go on',
    }),
    reason: z.string().nullable().openapi({ description: 'why it stopped' }),
    enabled: z.boolean(),
    per_hour: z.int(),
    unknown_profiles: z.string().nullable(),
    due: z.int().openapi({ description: 'identities near their end that are to be tried' }),
    counts: z
      .object({ sent: z.int(), renewed: z.int(), failed: z.int(), blocked: z.int() })
      .openapi({ description: 'of the round that goes on, else of the last seven days' }),
  })
  .openapi('Renewals')
const STATUS: z.infer<typeof status> = {
  state: 'running',
  reason: null,
  enabled: true,
  per_hour: 60,
  unknown_profiles: null,
  due: 41,
  counts: { sent: 3, renewed: 12, failed: 0, blocked: 1 },
}

const statusAnswer = answer('the renewals as they are now', status, STATUS)

renewalRoutes.openapi(
  operation('getRenewals', 'get', '/renewals', {
    tags,
    summary: 'The settings of renewals, and their progress',
    answers: { 200: statusAnswer },
  }),
  async (c) => c.json(statusJson(await renewalStatus(c.env, c.var.config)), 200),
)

const choice = z.strictObject({
  enabled: z.boolean().optional().openapi({
    description:
      'on by default, and off after a CA was imported; `true` also resumes stopped renewals',
  }),
  per_hour: z
    .int()
    .min(1)
    .max(600)
    .optional()
    .openapi({ description: 'how many profiles are sent an hour' }),
  unknown_profiles: z
    .string()
    .nullable()
    .optional()
    .openapi({
      description:
        'the profile of devices whose enrolment profile was not made here for them: the identifier of a ' +
        `stored profile, or \`${OWN_PROFILE}\` for the one that this server and MicroMDM make`,
    }),
})

renewalRoutes.openapi(
  operation('setRenewals', 'patch', '/renewals', {
    tags,
    summary: 'Changes the given settings, and tries failed and blocked renewals again',
    description: 'With `enabled` it also ends the round that goes on; `true` begins another one.',
    body: body(choice, {
      enable: { enabled: true },
      'slower, for a fleet that enrolled by MicroMDM’s profile': {
        per_hour: 20,
        unknown_profiles: OWN_PROFILE,
      },
      disable: { enabled: false, unknown_profiles: null },
    }),
    answers: { 200: statusAnswer },
    problems: { 400: 'no stored profile has that identifier' },
  }),
  async (c) => {
    const { enabled, per_hour: perHour, unknown_profiles: named } = c.req.valid('json')
    const unknownProfiles = named === null ? '' : named
    if (unknownProfiles && (await assumedProfile(c.env.DB, unknownProfiles)).kind === 'none') {
      throw faultAt(
        'json.unknown_profiles',
        `no readable profile is stored as ${unknownProfiles} (PUT /api/profiles/{id})`,
      )
    }
    const chosen = await chooseRenewals(c.env, c.var.config, {
      ...(enabled !== undefined && { enabled }),
      ...(perHour !== undefined && { perHour }),
      ...(unknownProfiles !== undefined && { unknownProfiles }),
    })
    return c.json(statusJson(chosen), 200)
  },
)

const sentRenewal = z
  .object({ command_id: z.string().nullable(), command_uuid: z.string().nullable() })
  .openapi('SentRenewal', { description: 'null while an earlier one is on its way' })

renewalRoutes.openapi(
  operation('renewDevice', 'post', '/devices/{id}/renew', {
    tags,
    summary: 'Sends this device its renewal profile now, without regard to the pace',
    params: DEVICE_PARAMS,
    headers: { [ACTOR]: actor },
    answers: {
      200: answer('it is in the device’s queue', sentRenewal, {
        command_id: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01.17',
        command_uuid: '3f1c0c39-34f4-4e2c-8f0c-7a8a8a4d6f6b',
      }),
    },
    problems: {
      ...NO_DEVICE,
      409: 'too little is known of the device to make its profile again: `detail` says what is missing',
    },
  }),
  async (c) => {
    const { id } = await deviceItself(c.env, c.req.valid('param').id)
    const { unknownProfiles } = await loadRenewalState(c.env)
    const assumed = await assumedProfile(c.env.DB, unknownProfiles)
    const by = queuedBy(c, 'api')
    const attempt = await renewDevice(c.env, c.var.config, id, assumed, by)
    await projectDevices(c.env, [id])
    if (attempt.kind === 'blocked') {
      throw new RequestError(attempt.reason, 'renewal_not_possible')
    }
    const sent = attempt.kind === 'sent' ? attempt : undefined
    return c.json({ command_id: sent?.id ?? null, command_uuid: sent?.command.uuid ?? null }, 200)
  },
)

function statusJson(found: RenewalStatus): z.infer<typeof status> {
  const { enabled, stopped, roundSince, perHour, unknownProfiles, due, counts } = found
  const { sent, renewed, failed, blocked } = counts
  return {
    state: stopped !== '' ? 'stopped' : !enabled ? 'off' : roundSince > 0 ? 'running' : 'idle',
    reason: textOrNull(stopped),
    enabled,
    per_hour: perHour,
    unknown_profiles: unknownProfiles || null,
    due,
    counts: { sent, renewed, failed, blocked },
  }
}
