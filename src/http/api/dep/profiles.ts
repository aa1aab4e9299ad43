import { z } from '../zod.ts'
import type { Defined } from '../../../dep-account/define.ts'
import { warningsOfDepProfile } from '../../../dep/profile.ts'
import type { DepProfile } from '../../../dep/records.ts'
import {
  depProfileNamed,
  findDepProfile,
  listDepProfiles,
  type DepProfileRow,
} from '../../../directory/dep/profiles.ts'
import { depAccountOf } from '../../dep/account.ts'
import { depError } from '../../dep/refusal.ts'
import { faultAt, movedOn, RequestError } from '../../request-error.ts'
import { newRoutes } from '../new-routes.ts'
import { answer, body, operation, OTHER_VERSION, pathId } from '../operation.ts'
import { listOf, wholeList } from '../paging.ts'
import { atOrNull, flag, iso, readVersion, time } from '../values.ts'
import { outcomesJson, outcomesSchema } from './outcomes.ts'
import { APPLE_REFUSES, DEP_TAGS as tags, depAccountText, NO_DEP_ACCOUNT } from './schema.ts'

/** Profiles of Automated Device Enrollment (docs/apple-business-manager.md). */
export const depProfileRoutes = newRoutes()

const depProfile = z
  .object({
    uuid: z.string().openapi({ description: 'Apple’s id of this content' }),
    name: z.string(),
    account: z.string(),
    defined_at: time,
    replaced_at: time.nullable().openapi({ description: 'null for the present one of its name' }),
    version: z.int().openapi({ description: 'rises with each content of the name' }),
    profile: z
      .record(z.string(), z.unknown())
      .openapi({ type: 'object', additionalProperties: true, description: 'as Apple got it' }),
  })
  .openapi('DepProfile')

const KEYS = {
  url: 'https://mdm.example.com/mdm/enroll',
  await_device_configured: true,
  is_mdm_removable: false,
  is_supervised: true,
  skip_setup_items: ['Siri', 'Privacy'],
}
const EXAMPLE: z.input<typeof depProfile> = {
  uuid: '88A3C5D1E2F4400B9C7D6E5F4A3B2C1D',
  name: 'macs',
  account: 'f1e0c6a5d2b34c17',
  defined_at: '2026-11-28T09:00:00.000Z',
  replaced_at: null,
  version: 1,
  profile: { profile_name: 'macs', ...KEYS },
}
const id = (description: string) => pathId(z.string().min(1).max(200), description, EXAMPLE.name)

depProfileRoutes.openapi(
  operation('listDepProfiles', 'get', '/dep/profiles', {
    tags,
    summary: 'Lists the profiles of an account, the newest first',
    description:
      'Apple keeps a profile as it was defined: a change makes another one of the same name.',
    query: {
      account: depAccountText,
      replaced: flag.default(false).openapi({
        description: '`true` lists earlier contents too: devices may still have them',
      }),
    },
    answers: { 200: listOf('the profiles', depProfile, EXAMPLE) },
    problems: NO_DEP_ACCOUNT,
  }),
  async (c) => {
    const { account, replaced } = c.req.valid('query')
    const { row } = await depAccountOf(c.env, account)
    const found = await listDepProfiles(c.env.DB, row.id, { all: replaced })
    return c.json(wholeList(found.map(depProfileJson)), 200)
  },
)

depProfileRoutes.openapi(
  operation('getDepProfile', 'get', '/dep/profiles/{id}', {
    tags,
    summary: 'A profile, by its uuid, or the present one by its name',
    params: id('its uuid or name'),
    query: { account: depAccountText },
    answers: { 200: answer('the profile', depProfile, EXAMPLE) },
    problems: { 404: 'no profile has this uuid or name here' },
  }),
  async (c) => {
    const { row } = await depAccountOf(c.env, c.req.valid('query').account)
    const found = await depProfileOf(c.env.DB, row.id, c.req.valid('param').id)
    return c.json(depProfileJson(found), 200)
  },
)

const wanted = z.strictObject({
  profile: z.record(z.string(), z.unknown()).openapi({
    type: 'object',
    additionalProperties: true,
    description:
      'Apple’s keys (Profile of Device Management), without `profile_name`. Keys that the server does not ' +
      'know are sent as they are. `"skip_setup_items": "all"` skips all panes',
  }),
})
const stored = z.object({
  ...depProfile.shape,
  warnings: z.array(z.string()),
  replaced_on: z.int().openapi({
    description: 'how many devices get it in place of an earlier one of its name',
  }),
  outcomes: outcomesSchema.openapi({ description: 'Apple’s answers for `devices` of the profile' }),
})

depProfileRoutes.openapi(
  operation('putDepProfile', 'put', '/dep/profiles/{id}', {
    tags,
    summary: 'Defines a profile at Apple, in place of the one of its name',
    description:
      'Devices that have the earlier one get this one. A device that has fetched its profile uses it until ' +
      'it is erased. The same content again changes nothing.',
    params: id('the name, up to 125 characters'),
    query: { account: depAccountText, if_version: readVersion },
    body: body(wanted, {
      macs: { profile: KEYS },
      all: { profile: { url: KEYS.url, skip_setup_items: 'all' } },
    }),
    answers: {
      200: answer('the profile', stored, {
        ...EXAMPLE,
        warnings: [],
        replaced_on: 0,
        outcomes: [{ id: 'C02ADE000001', outcome: 'success' }],
      }),
    },
    problems: {
      400: 'Apple would refuse it: `errors` names the key, with Apple’s word',
      ...NO_DEP_ACCOUNT,
      409: `${APPLE_REFUSES[409]}; or ${OTHER_VERSION[409]}`,
    },
  }),
  async (c) => {
    const { id: name } = c.req.valid('param')
    const { account, if_version: ifVersion } = c.req.valid('query')
    const profile = profileOf(name, c.req.valid('json').profile)
    const { row, object } = await depAccountOf(c.env, account)
    const defined = requireDefined(name, await object.define(profile, { ifVersion }))
    const found = await depProfileOf(c.env.DB, row.id, defined.uuid)
    const warnings = warningsOfDepProfile(profile)
    const outcomes = outcomesJson(defined.devices)
    const more = { warnings, replaced_on: defined.replaced, outcomes }
    return c.json({ ...depProfileJson(found), ...more }, 200)
  },
)

/** @throws RequestError for a profile with another name */
function profileOf(name: string, given: DepProfile): DepProfile {
  if (given.profile_name !== undefined && given.profile_name !== name) {
    throw faultAt('json.profile.profile_name', 'differs from the name in the path: leave it out')
  }
  return { ...given, profile_name: name }
}

/** @throws RequestError for a profile that Apple refuses, or would refuse, or that has another version */
function requireDefined(name: string, outcome: Defined): Extract<Defined, { kind: 'defined' }> {
  switch (outcome.kind) {
    case 'moved':
      throw movedOn(name, outcome.version)
    case 'invalid': {
      const { field, text, code } = outcome.fault
      throw faultAt(`json.profile.${field}`, `${text} (${code})`)
    }
    case 'refused':
      throw depError('define profile', outcome.answer)
    case 'defined':
      return outcome
  }
}

/** The profile with this uuid or name. @throws RequestError 404 */
export async function depProfileOf(
  d1: D1Database,
  account: string,
  named: string,
): Promise<DepProfileRow> {
  const found = (await findDepProfile(d1, named)) ?? (await depProfileNamed(d1, account, named))
  if (found?.account !== account) {
    throw new RequestError(
      `no profile of the account has the uuid or the name ${JSON.stringify(named)}: ` +
        'GET /api/dep/profiles lists them',
      'dep_profile_not_found',
    )
  }
  return found
}

function depProfileJson(row: DepProfileRow): z.input<typeof depProfile> {
  return {
    uuid: row.uuid,
    name: row.name,
    account: row.account,
    defined_at: iso(row.definedAt),
    replaced_at: atOrNull(row.replacedAt),
    version: row.version,
    profile: JSON.parse(row.profile),
  }
}
