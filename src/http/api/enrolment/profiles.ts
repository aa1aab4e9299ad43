import { z } from '../zod.ts'
import { clock } from '../../../clock.ts'
import {
  type ListedProfile,
  listProfiles,
  removeProfile,
  storedProfile,
  storeProfile,
} from '../../../directory/profiles.ts'
import { MAX_PROFILE_BYTES, problemOf, type StoredProfile } from '../../../enroll/stored-profile.ts'
import { decodeBase64, encodeBase64 } from '../../../plist/base64.ts'
import { noteRemovedProfile } from '../../../setup/removed-profile.ts'
import { RequestError, faultAt } from '../../request-error.ts'
import { listOf, sortedList } from '../paging.ts'
import { answer, body, DONE, operation, pathId } from '../operation.ts'
import { newRoutes } from '../new-routes.ts'
import { atOrNull, textOrNull, time } from '../values.ts'

/** Stored configuration profiles, such as an enrolment profile of an admin: docs/enrolment.md. */
export const profileRoutes = newRoutes()

const tags = ['Profiles']
const EXAMPLE_ID = 'com.github.micromdm.micromdm.enroll'
const MOBILECONFIG = encodeBase64(
  new TextEncoder().encode(
    `<plist version="1.0"><dict><key>PayloadIdentifier</key><string>${EXAMPLE_ID}</string></dict></plist>`,
  ),
)
const params = pathId(z.string(), 'the profile’s PayloadIdentifier', EXAMPLE_ID)
const profile = z
  .object({
    id: z.string().openapi({ description: 'its PayloadIdentifier' }),
    size: z.int().openapi({ description: 'in bytes' }),
  })
  .openapi('Profile')
const profileSummarySchema = profile
  .extend({
    name: z.string().nullable().openapi({ description: 'its PayloadDisplayName' }),
    payload_types: z.array(z.string()).openapi({ description: 'each PayloadType once' }),
    signed_by: z.string().nullable().openapi({
      description: 'the common name of the signer’s certificate, which nothing judges',
    }),
    changed_at: time.nullable().openapi({
      description:
        'when it was stored. Profiles of 0.1.0 have null here, and neither name nor types, until they are ' +
        'stored again',
    }),
  })
  .openapi('ProfileSummary')
const profileDetail = profile
  .extend({ mobileconfig: z.base64().openapi({ description: 'the profile, byte for byte' }) })
  .openapi('ProfileDetail')
const EXAMPLE = { id: EXAMPLE_ID, size: 129 }
const DETAIL = { ...EXAMPLE, mobileconfig: MOBILECONFIG }
const LISTED: z.input<typeof profileSummarySchema> = {
  ...EXAMPLE,
  name: 'Enrolment',
  payload_types: ['com.apple.mdm', 'com.apple.security.scep'],
  signed_by: null,
  changed_at: '2026-11-30T09:00:00.000Z',
}
/** Our texts for MicroMDM's faults of a profile, which name the fields of its own request. */
const WORDS: Readonly<Record<string, string>> = {
  'no Mobileconfig data': 'it is empty',
  'Mobileconfig is not XML nor PKCS7 parseable': 'it is neither XML nor a signed profile',
  'empty PayloadIdentifier in profile': 'the profile has no PayloadIdentifier',
  'payload Identifier does not match Profile':
    'the profile’s PayloadIdentifier differs from the id in the path',
}
const NO_PROFILE = { 404: 'no profile is stored under this id' }
const list = sortedList('profile', ['id'])

profileRoutes.openapi(
  operation('listProfiles', 'get', '/profiles', {
    tags,
    summary: 'Lists stored profiles, without their bytes',
    query: list.query,
    answers: { 200: listOf('a page of profiles', profileSummarySchema, LISTED) },
  }),
  async (c) => {
    const page = await list.page(c.req.valid('query'), {
      read: (range) => listProfiles(c.env.DB, range),
      item: listedJson,
      place: ({ id }) => ({ value: id, id }),
    })
    return c.json(page, 200)
  },
)

profileRoutes.openapi(
  operation('getProfile', 'get', '/profiles/{id}', {
    tags,
    summary: 'A stored profile',
    params,
    answers: { 200: answer('the profile', profileDetail, DETAIL) },
    problems: NO_PROFILE,
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const found = await storedProfile(c.env.DB, id)
    if (!found) {
      throw unknown(id)
    }
    return c.json(profileJson(found), 200)
  },
)

const wanted = z.strictObject({
  mobileconfig: z.string().openapi({ description: 'the profile’s bytes in base64' }),
})

profileRoutes.openapi(
  operation('storeProfile', 'put', '/profiles/{id}', {
    tags,
    summary: 'Stores a profile, plain or signed, in place of one with the same id',
    description:
      'Storing installs nothing: the command InstallProfile installs a profile. A profile with the id of ' +
      'the enrolment profile takes its place.',
    params,
    body: body(wanted, { plain: { mobileconfig: MOBILECONFIG } }),
    answers: { 200: answer('the profile', profileDetail, DETAIL) },
    problems: { 400: 'no profile, or one with another PayloadIdentifier' },
  }),
  async (c) => {
    const { id: identifier } = c.req.valid('param')
    const stored = { identifier, mobileconfig: bytesOf(c.req.valid('json').mobileconfig) }
    const fault = problemOf(stored)
    if (fault !== undefined) {
      throw faultAt('json.mobileconfig', WORDS[fault] ?? fault)
    }
    await storeProfile(c.env.DB, stored, clock.now())
    return c.json(profileJson(stored), 200)
  },
)

profileRoutes.openapi(
  operation('deleteProfile', 'delete', '/profiles/{id}', {
    tags,
    summary: 'Removes a stored profile; devices that have it keep it',
    description: 'Blueprints that name it fail in this step: the log says which.',
    params,
    answers: { 204: DONE },
    problems: NO_PROFILE,
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    if (!(await removeProfile(c.env.DB, id))) {
      throw unknown(id)
    }
    await noteRemovedProfile(c.env.DB, id)
    return c.body(null, 204)
  },
)

/** @throws RequestError for no base64, and for a profile that is too long */
function bytesOf(base64: string): Uint8Array {
  const bytes = decodeBase64(base64, '\r\n')
  if (typeof bytes === 'number') {
    throw faultAt('json.mobileconfig', `no base64: its character ${bytes + 1} is out of place`)
  }
  if (bytes.length > MAX_PROFILE_BYTES) {
    throw faultAt('json.mobileconfig', `the profile is longer than ${MAX_PROFILE_BYTES} bytes`)
  }
  return bytes
}

function listedJson(row: ListedProfile): z.input<typeof profileSummarySchema> {
  const { id, size, name, payloadTypes, signedBy, changedAt } = row
  return {
    id,
    size,
    name: textOrNull(name),
    payload_types: [...payloadTypes],
    signed_by: textOrNull(signedBy),
    changed_at: atOrNull(changedAt),
  }
}

function profileJson({ identifier, mobileconfig }: StoredProfile): z.input<typeof profileDetail> {
  return { id: identifier, size: mobileconfig.length, mobileconfig: encodeBase64(mobileconfig) }
}

function unknown(id: string): RequestError {
  return new RequestError(`no profile is stored under the id ${id}`, 'profile_not_found')
}
