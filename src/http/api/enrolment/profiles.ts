import { createRoute, z } from '@hono/zod-openapi'
import {
  listProfiles,
  MAX_PROFILE_BYTES,
  removeProfile,
  storedProfile,
  storeProfile,
} from '../../../directory/profiles.ts'
import { problemOf, type StoredProfile } from '../../../enroll/stored-profile.ts'
import { decodeBase64, encodeBase64 } from '../../../plist/base64.ts'
import { AdminError, faultAt } from '../../at-device.ts'
import { listOf, pageOfRows, pageQuery, placeCursor, placeIn, sortBy } from '../paging.ts'
import { answer, body, DONE, refusal } from '../operation.ts'
import { newRoutes } from '../routes.ts'

/** Configuration profiles that are stored here, such as the one that enrols: docs/enrolment.md. */
export const profileRoutes = newRoutes()

const tags = ['Profiles']
const EXAMPLE_ID = 'com.github.micromdm.micromdm.enroll'
const MOBILECONFIG = encodeBase64(
  new TextEncoder().encode(
    `<plist version="1.0"><dict><key>PayloadIdentifier</key><string>${EXAMPLE_ID}</string></dict></plist>`,
  ),
)
const params = z.object({
  id: z.string().openapi({
    param: { name: 'id', in: 'path' },
    description: 'the profile’s PayloadIdentifier',
    example: EXAMPLE_ID,
  }),
})
const profile = z
  .object({
    id: z.string().openapi({ description: 'its PayloadIdentifier' }),
    size: z.int().openapi({ description: 'in bytes' }),
  })
  .openapi('Profile')
const profileDetail = profile
  .extend({ mobileconfig: z.base64().openapi({ description: 'the profile, byte for byte' }) })
  .openapi('ProfileDetail')
const EXAMPLE = { id: EXAMPLE_ID, size: 129 }
const DETAIL = { ...EXAMPLE, mobileconfig: MOBILECONFIG }
/** MicroMDM's words for what is wrong with a profile, which speak of its own request. */
const WORDS: Readonly<Record<string, string>> = {
  'no Mobileconfig data': 'it is empty',
  'Mobileconfig is not XML nor PKCS7 parseable': 'it is neither XML nor a signed profile',
  'empty PayloadIdentifier in profile': 'the profile has no PayloadIdentifier',
  'payload Identifier does not match Profile':
    'the profile’s PayloadIdentifier is another one than the id in the path',
}
const noProfile = refusal('no profile is stored under this id')

profileRoutes.openapi(
  createRoute({
    method: 'get',
    path: '/profiles',
    operationId: 'listProfiles',
    tags,
    summary: 'Lists stored profiles, without their bytes',
    request: { query: z.strictObject({ ...pageQuery, sort: sortBy(['id']) }) },
    responses: { 200: listOf('a page of profiles', profile, EXAMPLE) },
  }),
  async (c) => {
    const { cursor, limit, sort } = c.req.valid('query')
    const after = placeIn(cursor, 'profile', sort)
    const found = await listProfiles(c.env.DB, { sort, after, limit })
    return c.json(
      pageOfRows(found, limit, {
        item: (one) => one,
        cursor: ({ id }) => placeCursor('profile', sort, { value: id, id }),
      }),
      200,
    )
  },
)

profileRoutes.openapi(
  createRoute({
    method: 'get',
    path: '/profiles/{id}',
    operationId: 'getProfile',
    tags,
    summary: 'A stored profile',
    request: { params },
    responses: { 200: answer('the profile', profileDetail, DETAIL), 404: noProfile },
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

profileRoutes.openapi(
  createRoute({
    method: 'put',
    path: '/profiles/{id}',
    operationId: 'storeProfile',
    tags,
    summary: 'Stores a profile, plain or signed, in place of one with the same id',
    description:
      'Storing installs nothing: a command InstallProfile does. The profile with the id of the enrolment profile takes its place.',
    request: {
      params,
      body: body(
        z.strictObject({
          mobileconfig: z.string().openapi({ description: 'the profile’s bytes in base64' }),
        }),
        { plain: { mobileconfig: MOBILECONFIG } },
      ),
    },
    responses: {
      200: answer('the profile', profileDetail, DETAIL),
      400: refusal('no profile, or one with another PayloadIdentifier'),
    },
  }),
  async (c) => {
    const { id: identifier } = c.req.valid('param')
    const mobileconfig = decodeBase64(c.req.valid('json').mobileconfig, '\r\n')
    if (typeof mobileconfig === 'number') {
      throw faultAt(
        'json.mobileconfig',
        `no base64: its character ${mobileconfig + 1} is out of place`,
      )
    }
    if (mobileconfig.length > MAX_PROFILE_BYTES) {
      throw faultAt('json.mobileconfig', `the profile is longer than ${MAX_PROFILE_BYTES} bytes`)
    }
    const stored = { identifier, mobileconfig }
    const fault = problemOf(stored)
    if (fault !== undefined) {
      throw faultAt('json.mobileconfig', WORDS[fault] ?? fault)
    }
    await storeProfile(c.env.DB, stored)
    return c.json(profileJson(stored), 200)
  },
)

profileRoutes.openapi(
  createRoute({
    method: 'delete',
    path: '/profiles/{id}',
    operationId: 'deleteProfile',
    tags,
    summary: 'Removes a stored profile; devices that have it keep it',
    request: { params },
    responses: { 204: DONE, 404: noProfile },
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    if (!(await removeProfile(c.env.DB, id))) {
      throw unknown(id)
    }
    return c.body(null, 204)
  },
)

function profileJson({ identifier, mobileconfig }: StoredProfile): z.input<typeof profileDetail> {
  return { id: identifier, size: mobileconfig.length, mobileconfig: encodeBase64(mobileconfig) }
}

function unknown(id: string): AdminError {
  return new AdminError(`no profile is stored under the id ${id}`, 'profile_not_found')
}
