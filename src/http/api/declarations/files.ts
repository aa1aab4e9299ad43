import { hash } from 'node:crypto'
import { z } from '../zod.ts'
import { clock } from '../../../clock.ts'
import { FILE_NAME, FILES_PATH, MEDIA_TYPE } from '../../../ddm/files.ts'
import {
  declarationsNaming,
  deleteFile,
  listFiles,
  partsOfContent,
  readFile,
  storeFile,
  type FileRow,
  type NewFile,
} from '../../../directory/declarations/files.ts'
import { filesChanged } from '../../../directory/declarations/files-changed.ts'
import { profileIdentifier } from '../../../enroll/profile-in.ts'
import { beginOffers } from '../../../jobs/declarations/begin.ts'
import type { AppContext } from '../../app-env.ts'
import { readBody } from '../../body.ts'
import { baseUrl } from '../../host.ts'
import { faultAt, RequestError } from '../../request-error.ts'
import { newRoutes } from '../new-routes.ts'
import { answer, DONE, operation, pathId } from '../operation.ts'
import { listOf, pageOfRows, pageQuery, readCursor, writeCursor } from '../paging.ts'
import { iso, time } from '../values.ts'

/** Files that declarations name by `file:NAME`: docs/files.md. */
export const fileRoutes = newRoutes()

const tags = ['Declarations']
/** curl sends this type when it is told none. */
const FORM = 'application/x-www-form-urlencoded'
const ANY = 'application/octet-stream'
const BYTES = { [ANY]: { schema: z.string().openapi({ format: 'binary' }) } }
const SAMPLE = '{"UserName":"ada","Password":"secret"}'
const fileName = z
  .string()
  .regex(FILE_NAME, 'has 1 to 100 letters, digits, dots, dashes and underscores')
const params = pathId(fileName, 'the file’s name', 'account.json')
const NO_FILE = { 404: 'no file has this name' }

const file = z
  .object({
    name: z.string(),
    sha256: z.string().openapi({ description: 'of its content, in hex' }),
    size: z.int().openapi({ description: 'in bytes' }),
    content_type: z.string(),
    url: z
      .url()
      .openapi({ description: 'where devices fetch it that are offered its declaration' }),
    changed_at: time,
  })
  .openapi('File')
const SHA256 = '695f8966dd830d5c4a34e222dd5652e123c5cfdf179205a538398cecd2071fe4'
const EXAMPLE = {
  name: 'account.json',
  sha256: SHA256,
  size: 38,
  content_type: 'application/json',
  url: `https://mdm.example.com${FILES_PATH}${SHA256}?type=application%2Fjson`,
  changed_at: '2026-11-28T09:00:00.000Z',
}
const stored = file
  .extend({
    declarations: z
      .array(z.string())
      .openapi({ description: 'declarations that name it and were stored again' }),
    unchanged: z.array(z.object({ identifier: z.string(), detail: z.string() })).openapi({
      description:
        'declarations that name it and contradict its new content: they keep the old one',
    }),
  })
  .openapi('StoredFile')

fileRoutes.openapi(
  operation('listFiles', 'get', '/files', {
    tags,
    summary: 'Lists files',
    query: pageQuery,
    answers: { 200: listOf('a page of files', file, EXAMPLE) },
  }),
  async (c) => {
    const { cursor, limit } = c.req.valid('query')
    const [after = ''] = readCursor(cursor, /^file (.+)$/) ?? []
    const rows = await listFiles(c.env.DB, { after, limit: limit + 1 })
    const page = pageOfRows({ rows, total: null }, limit, {
      item: (row) => fileJson(c, row),
      cursor: ({ name }) => writeCursor(`file ${name}`),
    })
    return c.json(page, 200)
  },
)

fileRoutes.openapi(
  operation('getFile', 'get', '/files/{id}', {
    tags,
    summary: 'What is known of a file',
    params,
    answers: { 200: answer('the file', file, EXAMPLE) },
    problems: NO_FILE,
  }),
  async (c) => c.json(fileJson(c, await knownFile(c, c.req.valid('param').id)), 200),
)

fileRoutes.openapi(
  operation('getFileContent', 'get', '/files/{id}/content', {
    tags,
    summary: 'The bytes of a file, with its content type',
    params,
    answers: { 200: { description: 'the bytes', content: BYTES } },
    problems: NO_FILE,
  }),
  async (c) => {
    const row = await knownFile(c, c.req.valid('param').id)
    const parts = partsOfContent(c.env.DB, c.var.config.sealer, row)
    const bytes = new Blob(await Array.fromAsync(parts))
    return new Response(bytes, {
      headers: {
        'content-type': row.contentType,
        'content-disposition': `attachment; filename="${row.name}"`,
        'x-content-type-options': 'nosniff',
      },
    })
  },
)

fileRoutes.openapi(
  operation('storeFile', 'put', '/files/{id}', {
    tags,
    summary: 'Stores a file in place of one with its name',
    description:
      'The body is the file itself, up to 20 MB, and `Content-Type` its type. A declaration names it as ' +
      '`file:NAME` in `DataURL`, `ProfileURL` or `ManifestURL`. Declarations that name it are stored ' +
      'again, so devices fetch the new content.',
    params,
    body: {
      required: true,
      content: { [ANY]: { ...BYTES[ANY], examples: { credentials: { value: SAMPLE } } } },
    },
    answers: {
      200: answer('the file', stored, {
        ...EXAMPLE,
        declarations: ['com.example.account'],
        unchanged: [],
      }),
    },
    problems: { 400: 'the file is empty, or its content type is no media type' },
  }),
  async (c) => {
    const { id: name } = c.req.valid('param')
    const bytes = await bytesOf(c)
    const now = clock.now()
    const uploaded: NewFile = {
      name,
      sha256: hash('sha256', bytes, 'hex'),
      size: bytes.length,
      contentType: typeOf(c),
      profile: profileIdentifier(bytes),
      bytes,
    }
    await storeFile(c.env.DB, c.var.config.sealer, uploaded, now)
    const { changed, refused } = await filesChanged(c.env.DB, name, { origin: baseUrl(c), now })
    if (changed.length > 0) {
      await beginOffers(c.env)
    }
    const row = await knownFile(c, name)
    return c.json({ ...fileJson(c, row), declarations: changed, unchanged: refused }, 200)
  },
)

fileRoutes.openapi(
  operation('deleteFile', 'delete', '/files/{id}', {
    tags,
    summary: 'Deletes a file that no declaration names',
    params,
    answers: { 204: DONE },
    problems: { ...NO_FILE, 409: 'declarations name it: `detail` lists them' },
  }),
  async (c) => {
    const { id: name } = c.req.valid('param')
    const naming = await declarationsNaming(c.env.DB, name)
    if (naming.length > 0) {
      const text = `delete or change these declarations first: ${naming.join(', ')}`
      throw new RequestError(`${name} is in use: ${text}`, 'file_in_use')
    }
    if (!(await deleteFile(c.env.DB, name, clock.now()))) {
      throw unknownFile(name)
    }
    return c.body(null, 204)
  },
)

async function bytesOf(c: AppContext): Promise<Uint8Array> {
  const bytes = c.req.raw.body === null ? new Uint8Array() : await readBody(c.req.raw)
  if (bytes === undefined) {
    throw new RequestError('the file is longer than 20 MB', 'body_too_large')
  }
  if (bytes.length === 0) {
    throw new RequestError(
      'the file is empty: send its bytes, as `curl -T FILE` does',
      'invalid_request',
    )
  }
  return bytes
}

function typeOf(c: AppContext): string {
  const type = c.req.header('content-type') ?? FORM
  if (!MEDIA_TYPE.test(type)) {
    throw faultAt('header.content-type', 'is no media type, such as application/json')
  }
  return type.startsWith(FORM) ? ANY : type
}

async function knownFile(c: AppContext, name: string): Promise<FileRow> {
  const row = await readFile(c.env.DB, name)
  if (!row) {
    throw unknownFile(name)
  }
  return row
}

function fileJson(
  c: AppContext,
  { name, sha256, size, contentType, changedAt }: FileRow,
): z.input<typeof file> {
  const url = `${baseUrl(c)}${FILES_PATH}${sha256}?type=${encodeURIComponent(contentType)}`
  return { name, sha256, size, content_type: contentType, url, changed_at: iso(changedAt) }
}

function unknownFile(name: string): RequestError {
  return new RequestError(`no file is named ${name}`, 'file_not_found')
}
