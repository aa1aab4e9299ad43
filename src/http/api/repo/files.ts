import { z } from '../zod.ts'
import { clock } from '../../../clock.ts'
import { bucketOf, listObjects } from '../../../repo/bucket.ts'
import { repoUrl } from '../../../repo/link.ts'
import { isRepoName, NAME_RULE, typeOfName } from '../../../repo/name.ts'
import { uploadBody } from '../../../repo/upload.ts'
import { isAllowed } from '../../access/require-scope.ts'
import type { AppContext } from '../../app-env.ts'
import { baseUrl } from '../../host.ts'
import { RequestError } from '../../request-error.ts'
import { newRoutes } from '../new-routes.ts'
import { answer, DONE, operation, pathId } from '../operation.ts'
import { listOf, pageQuery, readCursor, writeCursor } from '../paging.ts'
import { digits, iso, time } from '../values.ts'

/** Packages, manifests and other files that devices download: docs/apps-and-files.md. */
export const repoRoutes = newRoutes()

const tags = ['Apps and files']
const ANY = 'application/octet-stream'
const BYTES = { [ANY]: { schema: z.string().openapi({ format: 'binary' }) } }
const DAY = 86_400_000
const fileName = z.string().refine(isRepoName, NAME_RULE)
export const REPO_PARAMS = pathId(fileName, 'the file’s name', 'agent.pkg')
export const NO_REPO_FILE = { 404: 'the repository has no file with this name' }

export const repoFile = z
  .object({
    name: z.string(),
    size: z.int().openapi({ description: 'in bytes' }),
    content_type: z.string().openapi({ description: 'by the end of its name' }),
    etag: z.string(),
    url: z.url().openapi({
      description:
        'where devices fetch it. With `REPO_LINKS=signed` it is good for a day, and has no signature if ' +
        'your key lacks `command` and `config`',
    }),
    changed_at: time,
  })
  .openapi('RepositoryFile')
export const REPO_EXAMPLE = {
  name: 'agent.pkg',
  size: 48_211_904,
  content_type: 'application/x-xar',
  etag: '0f343b0931126a20f133d67c2b018a3b',
  url: 'https://mdm.example.com/repo/agent.pkg',
  changed_at: '2026-11-29T09:00:00.000Z',
}

/** How long a signed link is good. */
export const linkDays = (usual: number) =>
  z
    .int()
    .min(1)
    .max(3650)
    .default(usual)
    .openapi({ description: 'with `REPO_LINKS=signed`: how long the link is good', example: usual })

repoRoutes.openapi(
  operation('listRepositoryFiles', 'get', '/repo', {
    tags,
    summary: 'Lists the files of the repository',
    query: pageQuery,
    answers: { 200: listOf('a page of files, by name', repoFile, REPO_EXAMPLE) },
  }),
  async (c) => {
    const { cursor, limit } = c.req.valid('query')
    const [from] = readCursor(cursor, /^repo (.+)$/s) ?? []
    const page = await listObjects(bucketOf(c.env), { cursor: from, limit })
    const next = page.cursor === undefined ? null : writeCursor(`repo ${page.cursor}`)
    const items = page.files.map((file) => repoFileJson(c, file))
    return c.json({ items, next, total: null }, 200)
  },
)

repoRoutes.openapi(
  operation('getRepositoryFile', 'get', '/repo/{id}', {
    tags,
    summary: 'What is known of a file of the repository',
    params: REPO_PARAMS,
    answers: { 200: answer('the file', repoFile, REPO_EXAMPLE) },
    problems: NO_REPO_FILE,
  }),
  async (c) => {
    const { id: name } = c.req.valid('param')
    return c.json(repoFileJson(c, await knownRepoFile(c, name)), 200)
  },
)

repoRoutes.openapi(
  operation('storeRepositoryFile', 'put', '/repo/{id}', {
    tags,
    summary: 'Stores a file in the repository in place of one with its name',
    description:
      'The body is the file itself, up to 5 GB, and is stored while it arrives. Cloudflare’s own limit of ' +
      'a request is 100 MB on the free and the Pro plan.',
    params: REPO_PARAMS,
    body: {
      required: true,
      content: { [ANY]: { ...BYTES[ANY], examples: { package: { value: 'the bytes' } } } },
    },
    answers: { 200: answer('the file', repoFile, REPO_EXAMPLE) },
    problems: { 400: 'the file is empty, or no file can have this name' },
  }),
  async (c) => {
    const { id: name } = c.req.valid('param')
    await uploadBody(bucketOf(c.env), name, c.req.raw)
    return c.json(repoFileJson(c, await knownRepoFile(c, name)), 200)
  },
)

repoRoutes.openapi(
  operation('deleteRepositoryFile', 'delete', '/repo/{id}', {
    tags,
    summary: 'Deletes a file of the repository',
    params: REPO_PARAMS,
    answers: { 204: DONE },
    problems: NO_REPO_FILE,
  }),
  async (c) => {
    const { key } = await knownRepoFile(c, c.req.valid('param').id)
    await bucketOf(c.env).delete(key)
    return c.body(null, 204)
  },
)

repoRoutes.openapi(
  operation('getRepositoryLink', 'get', '/repo/{id}/link', {
    tags,
    summary: 'A link by which devices fetch a file',
    params: REPO_PARAMS,
    query: { days: digits(linkDays(7)) },
    answers: {
      200: answer('the link', z.object({ url: z.url(), expires_at: time.nullable() }), {
        url: REPO_EXAMPLE.url,
        expires_at: null,
      }),
    },
    problems: NO_REPO_FILE,
  }),
  async (c) => {
    const { key } = await knownRepoFile(c, c.req.valid('param').id)
    const until = clock.now() + c.req.valid('query').days * DAY
    const isSigned = c.var.config.repoLinks === 'signed'
    const url = repoUrl(baseUrl(c), key, c.var.config, until)
    return c.json({ url, expires_at: isSigned ? iso(until) : null }, 200)
  },
)

/** @throws RequestError for a name that is not there */
export async function knownRepoFile(c: AppContext, name: string): Promise<R2Object> {
  const file = await bucketOf(c.env).head(name)
  if (!file) {
    throw new RequestError(`the repository has no file ${name}`, 'file_not_found')
  }
  return file
}

export function repoFileJson(c: AppContext, file: R2Object): z.input<typeof repoFile> {
  const { key: name, size, etag, uploaded } = file
  const { config, caller } = c.var
  const mayLink = isAllowed(caller.scopes, 'command') || isAllowed(caller.scopes, 'config')
  const until = clock.now() + DAY
  return {
    name,
    size,
    content_type: typeOfName(name),
    etag,
    url: repoUrl(baseUrl(c), name, mayLink ? config : { ...config, repoLinks: 'open' }, until),
    changed_at: uploaded.toISOString(),
  }
}
