import { z } from '../zod.ts'
import { clock } from '../../../clock.ts'
import { bucketOf } from '../../../repo/bucket.ts'
import { chunksOf } from '../../../repo/chunks.ts'
import { repoUrl } from '../../../repo/link.ts'
import { hashChunks, writeManifest } from '../../../repo/manifest.ts'
import { endOf } from '../../../repo/name.ts'
import { baseUrl } from '../../host.ts'
import { faultAt } from '../../request-error.ts'
import { newRoutes } from '../new-routes.ts'
import { answer, body, operation } from '../operation.ts'
import {
  knownRepoFile,
  linkDays,
  NO_REPO_FILE,
  REPO_EXAMPLE,
  REPO_PARAMS,
  repoFile,
  repoFileJson,
} from './files.ts'

export const repoManifestRoutes = newRoutes()

const DAY = 86_400_000
/** What Apple requires of an app for iOS. A package for macOS needs none of it. */
const OF_IPA = ['bundle_identifier', 'bundle_version', 'title'] as const

const text = z.string().min(1).max(255).optional()
const facts = z.strictObject({
  bundle_identifier: text.openapi({ description: 'of the app; an `.ipa` needs it' }),
  bundle_version: text.openapi({ description: 'of the app; an `.ipa` needs it' }),
  title: text.openapi({ description: 'the name that people see; an `.ipa` needs it' }),
  subtitle: text.openapi({ description: 'such as the name of the company' }),
  days: linkDays(365),
})

const manifest = repoFile
  .extend({
    package_url: z.url().openapi({ description: 'of the package, as the manifest names it' }),
    sha256s: z.array(z.string()).openapi({ description: 'of each 10 MiB of the package, in hex' }),
  })
  .openapi('AppManifest')

repoManifestRoutes.openapi(
  operation('makeManifest', 'post', '/repo/{id}/manifest', {
    tags: ['Apps and files'],
    summary: 'Makes the manifest of a package, and stores it beside the package',
    description:
      'The manifest has the name of the package with `.plist`, and the MD5 and SHA-256 of each 10 MiB. The ' +
      'server reads the whole package for it: more than a few megabytes need the CPU time of a paid plan.',
    params: REPO_PARAMS,
    body: body(facts, {
      package: {},
      app: { bundle_identifier: 'com.example.agent', bundle_version: '1.2', title: 'Agent' },
    }),
    answers: {
      200: answer('the manifest', manifest, {
        ...REPO_EXAMPLE,
        name: 'agent.plist',
        size: 1206,
        content_type: 'text/xml; charset=utf-8',
        url: 'https://mdm.example.com/repo/agent.plist',
        package_url: REPO_EXAMPLE.url,
        sha256s: ['695f8966dd830d5c4a34e222dd5652e123c5cfdf179205a538398cecd2071fe4'],
      }),
    },
    problems: { ...NO_REPO_FILE, 400: 'it is no `.pkg` or `.ipa`, or lacks what an `.ipa` needs' },
  }),
  async (c) => {
    const { id: name } = c.req.valid('param')
    const given = c.req.valid('json')
    await knownRepoFile(c, name)
    refuseKind(name, given)
    const { config } = c.var
    const url = repoUrl(baseUrl(c), name, config, clock.now() + given.days * DAY)
    const bucket = bucketOf(c.env)
    const object = await bucket.get(name)
    const hashes = await hashChunks(chunksOf(object?.body ?? null))
    const stored = name.replace(/\.[^.]*$/, '.plist')
    await bucket.put(
      stored,
      writeManifest(url, hashes, {
        bundleIdentifier: given.bundle_identifier,
        bundleVersion: given.bundle_version,
        title: given.title,
        subtitle: given.subtitle,
      }),
    )
    const { sha256s } = hashes
    const file = repoFileJson(c, await knownRepoFile(c, stored))
    return c.json({ ...file, package_url: url, sha256s: [...sha256s] }, 200)
  },
)

function refuseKind(name: string, given: z.output<typeof facts>): void {
  const end = endOf(name)
  if (end !== 'pkg' && end !== 'ipa') {
    throw faultAt('param.id', 'only a .pkg and an .ipa have a manifest')
  }
  const missing = end === 'ipa' ? OF_IPA.find((key) => given[key] === undefined) : undefined
  if (missing !== undefined) {
    throw faultAt(`json.${missing}`, 'is missing: the manifest of an .ipa needs it')
  }
}
