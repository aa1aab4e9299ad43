import { z } from '../zod.ts'
import { clock } from '../../../clock.ts'
import { readVersions } from '../../../ddm/updates/versions.ts'
import {
  readOsVersions,
  storeOsVersions,
  type OsVersions,
} from '../../../directory/updates/os-versions.ts'
import { refuseFeed } from '../../../updates/feed.ts'
import { chooseAgain, fetchList } from '../../../updates/refresh.ts'
import { faultAt } from '../../request-error.ts'
import { newRoutes } from '../new-routes.ts'
import { answer, body, operation } from '../operation.ts'
import { atOrNull, iso, textOrNull, time } from '../values.ts'
import { platformWord } from '../words.ts'

/** The list of OS versions, by which the newest one is found. */
export const osVersionRoutes = newRoutes()

const tags = ['Software updates']

const versionsSchema = z
  .object({
    url: z.string().nullable().openapi({ description: 'fetched each day; null for an upload' }),
    fetched_at: time.nullable().openapi({ description: 'when this list came' }),
    tried_at: time.nullable(),
    error: z
      .string()
      .nullable()
      .openapi({ description: 'why it could not be fetched last time; the list of before holds' }),
    versions: z.array(
      z.object({
        platforms: z.array(platformWord),
        version: z.string(),
        build: z.string().nullable(),
        released_at: time,
        expires_at: time.nullable().openapi({ description: 'when Apple stops to sign it' }),
        supplemental: z.boolean().openapi({ description: 'a Background Security Improvement' }),
      }),
    ),
  })
  .openapi('OsVersions')

const versionsAnswer = answer('the list of OS versions', versionsSchema, {
  url: null,
  fetched_at: '2026-04-01T09:00:00.000Z',
  tried_at: '2026-04-01T09:00:00.000Z',
  error: null,
  versions: [
    {
      platforms: ['macOS'],
      version: '26.4',
      build: '25E246',
      released_at: '2026-03-24T00:00:00.000Z',
      expires_at: null,
      supplemental: false,
    },
  ],
})

function versionsJson(list: OsVersions): z.input<typeof versionsSchema> {
  return {
    url: textOrNull(list.url),
    fetched_at: atOrNull(list.fetchedAt),
    tried_at: atOrNull(list.triedAt),
    error: textOrNull(list.error),
    versions: list.releases.map(
      ({ platforms, version, build, released, expires, supplemental }) => ({
        platforms: [...platforms],
        version,
        build: textOrNull(build),
        released_at: iso(released),
        expires_at: expires === undefined ? null : iso(expires),
        supplemental,
      }),
    ),
  }
}

osVersionRoutes.openapi(
  operation('getOsVersions', 'get', '/software-updates/versions', {
    tags,
    summary: 'The list of OS versions, and where it comes from',
    answers: { 200: versionsAnswer },
  }),
  async (c) => c.json(versionsJson(await readOsVersions(c.env.DB)), 200),
)

osVersionRoutes.openapi(
  operation('putOsVersions', 'put', '/software-updates/versions', {
    tags,
    summary: 'Uploads a list of OS versions in place of the present one, or of a feed',
    description:
      'Apple’s own list from gdmf.apple.com/v2/pmv, or one of your own, up to 2 MB. Policies for the ' +
      'newest version follow it at once.',
    body: body(
      z.record(z.string(), z.unknown()).openapi({ type: 'object', additionalProperties: true }),
      {
        own: { versions: [{ platform: 'macOS', version: '26.4', released: '2026-03-24' }] },
        apples: {
          PublicAssetSets: {
            iOS: [{ ProductVersion: '26.4', Build: '23E246', PostingDate: '2026-03-24' }],
          },
        },
      },
    ),
    answers: { 200: versionsAnswer },
  }),
  async (c) => {
    const read = readVersions(JSON.stringify(c.req.valid('json')))
    if (read.kind === 'fault') {
      throw faultAt('json', read.reason)
    }
    const now = clock.now()
    const list = { url: '', releases: read.releases, fetchedAt: now, triedAt: now, error: '' }
    await storeOsVersions(c.env.DB, list)
    await chooseAgain(c.env, list.releases, now)
    return c.json(versionsJson(await readOsVersions(c.env.DB)), 200)
  },
)

osVersionRoutes.openapi(
  operation('putOsVersionsFeed', 'put', '/software-updates/feed', {
    tags,
    summary: 'Names the address of a list of OS versions; it is fetched now and each day',
    description:
      'An https URL without redirects that answers within 20 s with at most 2 MB, in one of the forms of ' +
      'putOsVersions. If that fails, `error` says why, and the present list holds.',
    body: body(
      z.strictObject({
        url: z
          .url({ protocol: /^https?$/ })
          .max(2000)
          .openapi({ description: 'answers show it' }),
      }),
      { feed: { url: 'https://lists.example.com/os-versions.json' } },
    ),
    answers: { 200: versionsAnswer },
  }),
  async (c) => {
    const { url } = c.req.valid('json')
    const { allowPrivateWebhooks } = c.var.config
    const refusal = refuseFeed(url, allowPrivateWebhooks)
    if (refusal !== undefined) {
      throw faultAt('json.url', refusal)
    }
    const now = clock.now()
    const { releases } = await fetchList(c.env.DB, url, allowPrivateWebhooks, now)
    await chooseAgain(c.env, releases, now)
    return c.json(versionsJson(await readOsVersions(c.env.DB)), 200)
  },
)
